; How fast a call from Python is made: a function of CPython's own kind. `self` is the array of the program's words,
; the arguments are its inputs. Returns None, True if something went wrong inside, or False if the inputs
; are not, just as they lie in memory, what the program takes.
declare void @Py_IncRef(ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
define ptr @enter(ptr %self, ptr %given, i64 %count) {
entry:
  %data = getelementptr i8, ptr %self, i64 16
  %p = load ptr, ptr %data
  %n = get i64 %p.n_inputs
  %bases = get ptr %p.bases
  %specs = get ptr %p.specs
  %kind = get ptr %p.array_type
  %equal = icmp eq i64 %n, %count
  br i1 %equal, label %head, label %no
head:
  %i = phi i64 [0, %entry], [%i1, %right]
  %spec = phi ptr [%specs, %entry], [%spec1, %right]
  %in = icmp slt i64 %i, %n
  br i1 %in, label %look, label %go
look:
  %xp = getelementptr ptr, ptr %given, i64 %i
  %x = load ptr, ptr %xp
  %typep = getelementptr i8, ptr %x, i64 8
  %type = load ptr, ptr %typep
  %isarray = icmp eq ptr %type, %kind
  br i1 %isarray, label %array, label %no
array:
  %descrp = getelementptr i8, ptr %x, i64 56
  %descr = load ptr, ptr %descrp
  %wantdescr = load ptr, ptr %spec
  %a = icmp eq ptr %descr, %wantdescr
  %ndp = getelementptr i8, ptr %x, i64 24
  %nd32 = load i32, ptr %ndp
  %nd = sext i32 %nd32 to i64
  %wantndp = getelementptr i64, ptr %spec, i64 1
  %wantnd = load i64, ptr %wantndp
  %b = icmp eq i64 %nd, %wantnd
  %flagsp = getelementptr i8, ptr %x, i64 64
  %flags = load i32, ptr %flagsp
  %bits = and i32 %flags, 257
  %c = icmp eq i32 %bits, 257
  %ab = and i1 %a, %b
  %abc = and i1 %ab, %c
  %dimsp = getelementptr i8, ptr %x, i64 32
  %dims = load ptr, ptr %dimsp
  %wantdims = getelementptr i64, ptr %spec, i64 2
  br i1 %abc, label %dim, label %no
dim:
  %j = phi i64 [0, %array], [%j1, %same]
  %further = icmp slt i64 %j, %nd
  br i1 %further, label %length, label %right
length:
  %lp = getelementptr i64, ptr %dims, i64 %j
  %l = load i64, ptr %lp
  %wp = getelementptr i64, ptr %wantdims, i64 %j
  %w = load i64, ptr %wp
  %fits = icmp eq i64 %l, %w
  br i1 %fits, label %same, label %no
same:
  %j1 = add i64 %j, 1
  br label %dim
right:
  %addressp = getelementptr i8, ptr %x, i64 16
  %address = load ptr, ptr %addressp
  %slot = getelementptr ptr, ptr %bases, i64 %i
  store ptr %address, ptr %slot
  %spec1 = getelementptr i64, ptr %wantdims, i64 %nd
  %i1 = add i64 %i, 1
  br label %head
go:
  %release = get i64 %p.release
  %long = icmp ne i64 %release, 0
  br i1 %long, label %let, label %keep
let:
  %state = call ptr @PyEval_SaveThread()
  %rc1 = call i64 @run(ptr %p)
  call void @PyEval_RestoreThread(ptr %state)
  br label %ran
keep:
  %rc2 = call i64 @run(ptr %p)
  br label %ran
ran:
  %rc = phi i64 [%rc1, %let], [%rc2, %keep]
  put i64 %rc, %p.status
  %pool = get ptr %p.pool
  %missing = get i64 %pool.missing
  %trouble = or i64 %rc, %missing
  %fine = icmp eq i64 %trouble, 0
  %none = get ptr %p.none
  %true = get ptr %p.true
  %result = select i1 %fine, ptr %none, ptr %true
  call void @Py_IncRef(ptr %result)
  ret ptr %result
no:
  %false = get ptr %p.false
  call void @Py_IncRef(ptr %false)
  ret ptr %false
}
