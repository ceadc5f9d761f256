; All calls of a program, in order.
define i64 @run(ptr %p) {
entry:
  %patches = get ptr %p.patches
  %n_patches = get i64 %p.n_patches
  %bases = get ptr %p.bases
  %any = icmp sgt i64 %n_patches, 0
  br i1 %any, label %patch, label %begin
patch:
  %i = phi i64 [0, %entry], [%i1, %patch]
  %at = mul i64 %i, 3
  %where = getelementptr i64, ptr %patches, i64 %at
  %to = load ptr, ptr %where
  %whichp = getelementptr i64, ptr %where, i64 1
  %which = load i64, ptr %whichp
  %offp = getelementptr i64, ptr %where, i64 2
  %off = load i64, ptr %offp
  %basep = getelementptr i64, ptr %bases, i64 %which
  %base = load i64, ptr %basep
  %address = add i64 %base, %off
  store i64 %address, ptr %to
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %n_patches
  br i1 %more, label %patch, label %begin
begin:
  %pool = get ptr %p.pool
  %first = get i64 %p.first
  %n = get i64 %p.n_calls
  %calls = get ptr %p.calls
  %scratch = get ptr %p.scratch
  %times = get ptr %p.times
  %timed = icmp ne ptr %times, null
  %has0 = call i1 @acquire(ptr %p, ptr %pool)
  br label %head
head:
  %k = phi i64 [%first, %begin], [%k1, %next]
  %has = phi i1 [%has0, %begin], [%has1, %next]
  %in = icmp slt i64 %k, %n
  br i1 %in, label %body, label %end
body:
  %ko = mul i64 %k, 8
  %c = getelementptr i64, ptr %calls, i64 %ko
  %kind = get i64 %c.kind
  %span0 = get i64 %c.span
  %span = select i1 %timed, i64 1, i64 %span0
  br i1 %timed, label %start, label %go
start:
  %t0 = call i64 @clock()
  br label %go
go:
  %began = phi i64 [0, %body], [%t0, %start]
  switch i64 %kind, label %checks [ i64 0, label %kernel  i64 1, label %host ]
kernel:
  %cost = get i64 %c.cost
  %chunks = get i64 %c.chunks
  %long = icmp sge i64 %cost, SHARED
  %many = icmp sgt i64 %chunks, 1
  %worth = and i1 %long, %many
  br i1 %worth, label %may, label %lone
may:
  br i1 %has, label %shared, label %ask
ask:
  %given = call i1 @acquire(ptr %p, ptr %pool)
  br i1 %given, label %shared, label %lone
lone:
  call void @alone(ptr %c, i64 %span, ptr %scratch)
  br label %after
shared:
  %lost = call i64 @share(ptr %p, ptr %pool, ptr %c, i64 %span)
  %ok = icmp eq i64 %lost, 0
  br i1 %ok, label %after, label %giveup
giveup:
  call void @release(ptr %pool, i1 1)
  br label %after
host:
  %callback = get ptr %p.callback
  %rc = call i32 %callback(i64 %k)
  %fine = icmp eq i32 %rc, 0
  br i1 %fine, label %after, label %raised
raised:
  call void @release(ptr %pool, i1 %has)
  put i64 %k, %p.failed
  ret i64 1
checks:
  %n_checks = get i64 %p.n_checks
  %list = get ptr %p.checks
  br label %check
check:
  %j = phi i64 [0, %checks], [%j1, %held]
  %inside = icmp slt i64 %j, %n_checks
  br i1 %inside, label %test, label %after
test:
  %lp = getelementptr ptr, ptr %list, i64 %j
  %bp = load ptr, ptr %lp
  %bit = load i8, ptr %bp
  %good = icmp ne i8 %bit, 0
  br i1 %good, label %held, label %failed
held:
  %j1 = add i64 %j, 1
  br label %check
failed:
  call void @release(ptr %pool, i1 %has)
  put i64 %j, %p.failed
  ret i64 2
after:
  %has1 = phi i1 [%has, %lone], [1, %shared], [0, %giveup], [%has, %host], [%has, %check]
  br i1 %timed, label %stop, label %next
stop:
  %t1 = call i64 @clock()
  %took = sub i64 %t1, %began
  %tp = getelementptr i64, ptr %times, i64 %k
  store i64 %took, ptr %tp
  br label %next
next:
  %k1 = add i64 %k, %span
  br label %head
end:
  call void @release(ptr %pool, i1 %has)
  ret i64 0
}
