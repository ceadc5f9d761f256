declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define internal void @breathe() {
  PAUSE
  PAUSE
  PAUSE
  PAUSE
  PAUSE
  PAUSE
  PAUSE
  PAUSE
  ret void
}

; Work alone for a while.
define internal void @trouble(ptr %pool, i64 %now, i64 %lost) {
entry:
  %until = get i64 %pool.alone_until
  %penalty = get i64 %pool.penalty
  %good = sub i64 %now, %until
  %soon = shl i64 %penalty, 2
  %again = icmp slt i64 %good, %soon
  %double = shl i64 %penalty, 1
  %big = icmp sgt i64 %double, ALONE_MOST
  %capped = select i1 %big, i64 ALONE_MOST, i64 %double
  %next = select i1 %again, i64 %capped, i64 ALONE
  %paid = shl i64 %lost, 3
  %more = icmp sgt i64 %paid, %next
  %rest = select i1 %more, i64 %paid, i64 %next
  %end = add i64 %now, %rest
  put i64 %end, %pool.alone_until
  put i64 %next, %pool.penalty
  %n = get i64 %pool.troubles
  %n1 = add i64 %n, 1
  put i64 %n1, %pool.troubles
  ret void
}

; Units [b, e) of the calls of a chain, one call after the other.
define internal void @piece(ptr %first, i64 %span, i64 %b, i64 %e, ptr %scratch) {
entry:
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %next]
  %at = mul i64 %i, 8
  %c = getelementptr i64, ptr %first, i64 %at
  %fn = get ptr %c.fn
  %args = get ptr %c.args
  call void %fn(ptr %args, i64 %b, i64 %e, ptr %scratch)
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %span
  br i1 %more, label %next, label %end
end:
  ret void
}

; One call on this thread, or a chain, chunk after chunk.
define internal void @alone(ptr %c, i64 %span, ptr %scratch) {
entry:
  %units = get i64 %c.units
  %single = icmp eq i64 %span, 1
  %chunk0 = get i64 %c.chunk
  %chunk = select i1 %single, i64 %units, i64 %chunk0
  %some = icmp sgt i64 %units, 0
  br i1 %some, label %next, label %end
next:
  %b = phi i64 [0, %entry], [%e0, %next]
  %e0 = add i64 %b, %chunk
  %over = icmp sgt i64 %e0, %units
  %e = select i1 %over, i64 %units, i64 %e0
  call void @piece(ptr %c, i64 %span, i64 %b, i64 %e, ptr %scratch)
  %more = icmp slt i64 %e0, %units
  br i1 %more, label %next, label %end
end:
  ret void
}

; Take a chunk of the pool's job and do it, as thread `index`: 1 if one was done, 0 if none is left, 2 if somebody
; else was quicker.
define internal i64 @take(ptr %pool, i64 %index) {
entry:
  %word = at %pool.claim
  %claim = load atomic i64, ptr %word acquire, align 8
  %low = and i64 %claim, 65535
  %claim16 = lshr i64 %claim, 16
  %high = and i64 %claim16, 65535
  %none = icmp eq i64 %low, %high
  br i1 %none, label %nothing, label %look
look:
  %c = get ptr %pool.job
  %span = get i64 %pool.job_span
  %chunks = get i64 %pool.job_chunks
  %chunk = get i64 %pool.job_chunk
  %units = get i64 %pool.job_units
  %base = get ptr %pool.job_scratch
  %stride = get i64 %pool.job_stride
  %slots = get i64 %pool.job_slots
  %fits = icmp slt i64 %index, %slots
  br i1 %fits, label %try, label %nothing
try:
  %front = icmp eq i64 %index, 0
  %step = select i1 %front, i64 1, i64 -65536
  %after = add i64 %claim, %step
  %swap = cmpxchg ptr %word, i64 %claim, i64 %after seq_cst monotonic, align 8
  %mine = extractvalue {i64, i1} %swap, 1
  br i1 %mine, label %do, label %lost
do:
  %back = sub i64 %high, 1
  %k = select i1 %front, i64 %low, i64 %back
  %b = mul i64 %k, %chunk
  %e0 = add i64 %b, %chunk
  %over = icmp sgt i64 %e0, %units
  %e = select i1 %over, i64 %units, i64 %e0
  %off = mul i64 %index, %stride
  %scratch = getelementptr i8, ptr %base, i64 %off
  call void @piece(ptr %c, i64 %span, i64 %b, i64 %e, ptr %scratch)
  %dp = at %pool.done
  %d = atomicrmw add ptr %dp, i64 1 seq_cst, align 8
  %d1 = add i64 %d, 1
  %last = icmp eq i64 %d1, %chunks
  br i1 %last, label %tell, label %did
tell:
  %wp = at %pool.waiting
  %w = load atomic i64, ptr %wp seq_cst, align 8
  %asleep = icmp ne i64 %w, 0
  br i1 %asleep, label %wake, label %did
wake:
  call void @wake(ptr %dp, i64 1)
  br label %did
did:
  ret i64 1
nothing:
  ret i64 0
lost:
  ret i64 2
}

; What a worker does all its life: ends when fewer threads are wanted than its index.
define void @work(ptr %pool, i64 %index) {
entry:
  %wp = at %pool.wanted
  %cp = at %pool.claim
  %gp = getelementptr i32, ptr %cp, i64 1
  %sp = at %pool.sleepers
  %t0 = call i64 @clock()
  br label %again
again:
  %since = phi i64 [%t0, %entry], [%now0, %did], [%since, %again2], [%since, %idle], [%now2, %slept]
  %before = phi i64 [%t0, %entry], [%now0, %did], [%before, %again2], [%now, %idle], [%now1, %slept]
  %wanted = load atomic i64, ptr %wp seq_cst, align 8
  %stays = icmp slt i64 %index, %wanted
  br i1 %stays, label %look, label %end
look:
  %claim = load atomic i64, ptr %cp seq_cst, align 8
  %got = call i64 @take(ptr %pool, i64 %index)
  switch i64 %got, label %idle0 [ i64 1, label %did  i64 2, label %again2 ]
did:
  %now0 = call i64 @clock()
  br label %again
again2:
  br label %again
idle0:
  call void @breathe()
  %now = call i64 @clock()
  %gap = sub i64 %now, %before
  %away = icmp sgt i64 %gap, GAP
  br i1 %away, label %hindered, label %steady
hindered:
  call void @trouble(ptr %pool, i64 %now, i64 0)
  br label %sleep
steady:
  %waited = sub i64 %now, %since
  %short = icmp slt i64 %waited, SPIN
  br i1 %short, label %idle, label %sleep
idle:
  br label %again
sleep:
  %number = lshr i64 %claim, 32
  %expected = trunc i64 %number to i32
  %s = atomicrmw add ptr %sp, i64 1 seq_cst, align 8
  call void @rest(ptr %gp, i32 %expected, i64 NAP_WORKER)
  %s2 = atomicrmw sub ptr %sp, i64 1 seq_cst, align 8
  %now1 = call i64 @clock()
  ; whoever was woken spins anew; after a nap without news it sleeps again at once
  %claim2 = load atomic i64, ptr %cp seq_cst, align 8
  %number2 = lshr i64 %claim2, 32
  %news = icmp ne i64 %number, %number2
  br i1 %news, label %slept, label %stale
stale:
  %past = sub i64 %now1, SPIN
  br label %slept
slept:
  %now2 = phi i64 [%now1, %sleep], [%past, %stale]
  br label %again
end:
  ret void
}

; Wake the workers, so that they are there when the first job is.
define void @kick(ptr %pool) {
entry:
  %cp = at %pool.claim
  %c = atomicrmw add ptr %cp, i64 4294967296 seq_cst, align 8
  %sp = at %pool.sleepers
  %s = load atomic i64, ptr %sp seq_cst, align 8
  %some = icmp sgt i64 %s, 0
  br i1 %some, label %wake, label %end
wake:
  %gp = getelementptr i32, ptr %cp, i64 1
  call void @wake(ptr %gp, i64 %s)
  br label %end
end:
  ret void
}

; A call, or a chain, shared with the workers. Returns the ns that were lost by waiting for one of them.
define internal i64 @share(ptr %p, ptr %pool, ptr %c, i64 %span) {
entry:
  %units = get i64 %c.units
  %chunk = get i64 %c.chunk
  %chunks = get i64 %c.chunks
  %cost = get i64 %c.cost
  %scratch = get ptr %p.scratch
  %stride = get i64 %p.stride
  %slots = get i64 %p.slots
  put ptr %c, %pool.job
  put i64 %span, %pool.job_span
  put i64 %chunks, %pool.job_chunks
  put i64 %chunk, %pool.job_chunk
  put i64 %units, %pool.job_units
  put ptr %scratch, %pool.job_scratch
  put i64 %stride, %pool.job_stride
  put i64 %slots, %pool.job_slots
  put i64 0, %pool.done
  %cp = at %pool.claim
  %gp = getelementptr i32, ptr %cp, i64 1
  %dp = at %pool.done
  %wp = at %pool.waiting
  %old = load atomic i64, ptr %cp monotonic, align 8
  %number = lshr i64 %old, 32
  %number1 = add i64 %number, 1
  %upper = shl i64 %number1, 32
  %ends = shl i64 %chunks, 16
  %new = or i64 %upper, %ends
  store atomic i64 %new, ptr %cp seq_cst, align 8
  %sp = at %pool.sleepers
  %s = load atomic i64, ptr %sp seq_cst, align 8
  %asleep = icmp sgt i64 %s, 0
  %long = icmp sge i64 %cost, WAKE
  %ring = and i1 %asleep, %long
  br i1 %ring, label %wake, label %start
wake:
  %others = sub i64 %chunks, 1
  call void @wake(ptr %gp, i64 %others)
  br label %start
start:
  %t0 = call i64 @clock()
  br label %own
own:
  %n = phi i64 [0, %start], [%n, %quicker], [%n1, %did]
  %got = call i64 @take(ptr %pool, i64 0)
  switch i64 %got, label %finish [ i64 1, label %did  i64 2, label %quicker ]
did:
  %n1 = add i64 %n, 1
  br label %own
quicker:
  br label %own
finish:
  %d0 = load atomic i64, ptr %dp acquire, align 8
  %all0 = icmp eq i64 %d0, %chunks
  br i1 %all0, label %quick, label %late
quick:
  ret i64 0
late:
  %t1 = call i64 @clock()
  br label %spin
spin:
  call void @breathe()
  %d1 = load atomic i64, ptr %dp acquire, align 8
  %all1 = icmp eq i64 %d1, %chunks
  br i1 %all1, label %done, label %spin2
spin2:
  %t2 = call i64 @clock()
  %waited = sub i64 %t2, %t1
  %short = icmp slt i64 %waited, SPIN
  br i1 %short, label %spin, label %block
block:
  store atomic i64 1, ptr %wp seq_cst, align 8
  br label %blocked
blocked:
  %d2 = load atomic i64, ptr %dp seq_cst, align 8
  %all2 = icmp eq i64 %d2, %chunks
  br i1 %all2, label %over, label %nap
nap:
  %d32 = trunc i64 %d2 to i32
  call void @rest(ptr %dp, i32 %d32, i64 NAP_CALLER)
  br label %blocked
over:
  store atomic i64 0, ptr %wp seq_cst, align 8
  br label %done
done:
  %t3 = call i64 @clock()
  %tail = sub i64 %t3, %t1
  %mine = sub i64 %t1, %t0
  %none = icmp eq i64 %n, 0
  %by = select i1 %none, i64 1, i64 %n
  %mean = udiv i64 %mine, %by
  %fair = mul i64 %mean, 2
  %fair1 = add i64 %fair, 60000
  %lost = sub i64 %tail, %fair1
  %is = icmp sgt i64 %lost, 0
  br i1 %is, label %pay, label %quick
pay:
  call void @trouble(ptr %pool, i64 %t3, i64 %lost)
  ret i64 %lost
}

; Whether this program gets the pool: it is worth it, workers are there and nobody else has it.
define internal i1 @acquire(ptr %p, ptr %pool) {
entry:
  %estimate = get i64 %p.estimate
  %worth = icmp sge i64 %estimate, WORTH
  br i1 %worth, label %several, label %no
several:
  %wanted = get i64 %pool.wanted
  %more = icmp sgt i64 %wanted, 1
  br i1 %more, label %there, label %no
there:
  %workers = get i64 %pool.workers
  %enough = icmp sge i64 %workers, %wanted
  br i1 %enough, label %calm, label %ask
ask:
  put i64 1, %pool.missing
  br label %no
calm:
  %until = get i64 %pool.alone_until
  %now = call i64 @clock()
  %past = icmp sge i64 %now, %until
  br i1 %past, label %try, label %no
try:
  %hp = at %pool.held
  %swap = cmpxchg ptr %hp, i64 0, i64 1 seq_cst monotonic, align 8
  %got = extractvalue {i64, i1} %swap, 1
  br i1 %got, label %yes, label %no
yes:
  %losses = call i64 @losses()
  put i64 %losses, %pool.losses_then
  put i64 %now, %pool.held_since
  call void @kick(ptr %pool)
  ret i1 1
no:
  ret i1 0
}

define internal void @release(ptr %pool, i1 %has) {
entry:
  br i1 %has, label %free, label %end
free:
  %then = get i64 %pool.losses_then
  %losses = call i64 @losses()
  %times = sub i64 %losses, %then
  %some = icmp sgt i64 %times, 0
  br i1 %some, label %often, label %give
often:
  %since = get i64 %pool.held_since
  %now = call i64 @clock()
  %held = sub i64 %now, %since
  %fair = mul i64 %times, RARE
  %much = icmp sgt i64 %fair, %held
  br i1 %much, label %hindered, label %give
hindered:
  call void @trouble(ptr %pool, i64 %now, i64 0)
  br label %give
give:
  %hp = at %pool.held
  store atomic i64 0, ptr %hp seq_cst, align 8
  br label %end
end:
  ret void
}
