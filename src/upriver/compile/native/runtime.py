"""The native functions that run a program: the walk over its calls, the pool's workers, and the door from Python.

They are LLVM IR like the kernels, compiled once and cached. Their structures are arrays of 64-bit words; the text
below reads and writes their fields with three forms of its own, which :func:`_expand` turns into IR::

    %x = get i64 %p.field       the field's value
    put i64 %x, %p.field        write it
    %a = at %p.field            its address

How work is shared. ``claim`` holds the number of the job in its upper half and how many of its chunks are left in
its lower half. Whoever lowers the lower half by one, with a compare-and-swap, has taken a chunk. A worker reads
what the job is before it swaps: if the job was another one by then, the number differs and the swap fails. So the
caller, which works too, waits only for chunks that were taken, never for a worker that has not woken. If it has to
wait longer than a chunk could last, a worker has lost its processor to another program; then it works alone for
eight times as long as was lost, so that on a busy machine threads never cost more than an eighth.
"""

from __future__ import annotations

import ctypes
import re
import sys
from functools import cache
from typing import Any

from .jit import Library
from .target import target

PROGRAM = (  # of a program; where two stand in a row, the second is how many there are
    "calls n_calls first patches n_patches bases specs n_inputs checks n_checks "
    "pool scratch stride slots estimate release callback times status failed array_type none true false"
).split()
ENTRY = "fn args units chunk chunks span cost kind".split()  # of one call
MANY = "steps feeds n_feeds scalars to_scalars scalar_bytes draws to_draws draw_bytes outs n_outs step".split()
FEED = "base step_bytes indices rows row_bytes buffer input spare".split()  # of one input over many steps
OUT = "to bytes from spare".split()  # of one output over many steps
_POOL = {  # words apart by 8 lie in different cache lines
    "claim": 0, "done": 8, "waiting": 16,
    "job": 24, "job_span": 25, "job_chunks": 26, "job_chunk": 27, "job_units": 28, "job_scratch": 29, "job_stride": 30,
    "job_slots": 31,
    "sleepers": 40, "held": 48, "wanted": 56, "workers": 57, "alone_until": 58, "lost": 59, "missing": 60,
}  # fmt: skip
POOL_WORDS = 64
KERNEL, HOST, CHECKS = range(3)  # kinds of entries
DONE, RAISED, FAILED = range(3)  # what `run` returns

SPIN = 40_000  # ns that a worker or a waiting caller spins before it sleeps
WAKE = 25_000  # ns: a shorter call does not wake a sleeping worker
SHARED = 7_000  # ns: a shorter call is not shared
WORTH = 40_000  # ns: a shorter program does not ask for the pool

_LINUX = """
declare i64 @syscall(i64, ...)
declare i32 @clock_gettime(i32, ptr)
define internal void @rest(ptr %word, i32 %while, i64 %ns) {
  %time = alloca [2 x i64]
  %s = udiv i64 %ns, 1000000000
  %f = urem i64 %ns, 1000000000
  store i64 %s, ptr %time
  %nano = getelementptr i64, ptr %time, i64 1
  store i64 %f, ptr %nano
  call i64 (i64, ...) @syscall(i64 FUTEX, ptr %word, i64 128, i32 %while, ptr %time, i64 0, i64 0)
  ret void
}
define internal void @wake(ptr %word, i64 %n) {
  call i64 (i64, ...) @syscall(i64 FUTEX, ptr %word, i64 129, i64 %n, i64 0, i64 0, i64 0)
  ret void
}
define internal i64 @clock() {
  %time = alloca [2 x i64]
  call i32 @clock_gettime(i32 1, ptr %time)
  %s = load i64, ptr %time
  %nano = getelementptr i64, ptr %time, i64 1
  %f = load i64, ptr %nano
  %n = mul i64 %s, 1000000000
  %t = add i64 %n, %f
  ret i64 %t
}
"""
_NAP = """
define internal void @rest(ptr %word, i32 %while, i64 %ns) {
  NAP
  ret void
}
define internal void @wake(ptr %word, i64 %n) {
  ret void
}
"""
_MAC = (
    """
declare i32 @usleep(i32)
declare i64 @clock_gettime_nsec_np(i32)
define internal i64 @clock() {
  %t = call i64 @clock_gettime_nsec_np(i32 8)
  ret i64 %t
}
"""
    + _NAP
)
_WINDOWS = (
    """
declare void @Sleep(i32)
declare i32 @QueryPerformanceCounter(ptr)
define internal i64 @clock() {
  %time = alloca i64
  call i32 @QueryPerformanceCounter(ptr %time)
  %n = load i64, ptr %time
  %t = mul i64 %n, 100
  ret i64 %t
}
"""
    + _NAP
)

_TEXT = """
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
  %left = and i64 %claim, 4294967295
  %none = icmp eq i64 %left, 0
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
  %less = sub i64 %claim, 1
  %swap = cmpxchg ptr %word, i64 %claim, i64 %less seq_cst monotonic, align 8
  %mine = extractvalue {i64, i1} %swap, 1
  br i1 %mine, label %do, label %lost
do:
  %k = sub i64 %chunks, %left
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
  %new = or i64 %upper, %chunks
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
  %fair1 = add i64 %fair, 15000
  %lost = sub i64 %tail, %fair1
  %is = icmp sgt i64 %lost, 0
  br i1 %is, label %pay, label %quick
pay:
  %rest = mul i64 %lost, 8
  %until = add i64 %t3, %rest
  put i64 %until, %pool.alone_until
  %sum = get i64 %pool.lost
  %sum1 = add i64 %sum, %lost
  put i64 %sum1, %pool.lost
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
  br i1 %enough, label %free, label %ask
ask:
  put i64 1, %pool.missing
  br label %no
free:
  %until = get i64 %pool.alone_until
  %careful = icmp ne i64 %until, 0
  br i1 %careful, label %watch, label %try
watch:
  %now = call i64 @clock()
  %past = icmp sge i64 %now, %until
  br i1 %past, label %try, label %no
try:
  %hp = at %pool.held
  %swap = cmpxchg ptr %hp, i64 0, i64 1 seq_cst monotonic, align 8
  %got = extractvalue {i64, i1} %swap, 1
  br i1 %got, label %yes, label %no
yes:
  call void @kick(ptr %pool)
  ret i1 1
no:
  ret i1 0
}

define internal void @release(ptr %pool, i1 %has) {
entry:
  br i1 %has, label %free, label %end
free:
  %hp = at %pool.held
  store atomic i64 0, ptr %hp seq_cst, align 8
  br label %end
end:
  ret void
}

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
  %both = and i1 %has, %worth
  br i1 %both, label %shared, label %lone
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
  %has1 = phi i1 [%has, %lone], [%has, %shared], [0, %giveup], [%has, %host], [%has, %check]
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

; Many steps: what each is given is put into place, and what it gives is stored.
define i64 @run_many(ptr %p, ptr %m) {
entry:
  %steps = get i64 %m.steps
  %feeds = get ptr %m.feeds
  %n_feeds = get i64 %m.n_feeds
  %outs = get ptr %m.outs
  %n_outs = get i64 %m.n_outs
  %scalars = get ptr %m.scalars
  %to_scalars = get ptr %m.to_scalars
  %scalar_bytes = get i64 %m.scalar_bytes
  %draws = get ptr %m.draws
  %to_draws = get ptr %m.to_draws
  %draw_bytes = get i64 %m.draw_bytes
  %bases = get ptr %p.bases
  br label %head
head:
  %k = phi i64 [0, %entry], [%k1, %stored]
  put i64 %k, %m.step
  %in = icmp slt i64 %k, %steps
  br i1 %in, label %numbers, label %end
numbers:
  %so = mul i64 %k, %scalar_bytes
  %sp = getelementptr i8, ptr %scalars, i64 %so
  call void @llvm.memcpy.p0.p0.i64(ptr %to_scalars, ptr %sp, i64 %scalar_bytes, i1 0)
  %do = mul i64 %k, %draw_bytes
  %dp = getelementptr i8, ptr %draws, i64 %do
  call void @llvm.memcpy.p0.p0.i64(ptr %to_draws, ptr %dp, i64 %draw_bytes, i1 0)
  br label %feed
feed:
  %f = phi i64 [0, %numbers], [%f1, %fed]
  %more = icmp slt i64 %f, %n_feeds
  br i1 %more, label %give, label %go
give:
  %fo = mul i64 %f, 8
  %feedp = getelementptr i64, ptr %feeds, i64 %fo
  %base = get ptr %feedp.base
  %indices = get ptr %feedp.indices
  %input = get i64 %feedp.input
  %slot = getelementptr ptr, ptr %bases, i64 %input
  %stacked = icmp eq ptr %indices, null
  br i1 %stacked, label %stack, label %gather
stack:
  %step_bytes = get i64 %feedp.step_bytes
  %bo = mul i64 %k, %step_bytes
  %bp = getelementptr i8, ptr %base, i64 %bo
  store ptr %bp, ptr %slot
  br label %fed
gather:
  %rows = get i64 %feedp.rows
  %row_bytes = get i64 %feedp.row_bytes
  %buffer = get ptr %feedp.buffer
  store ptr %buffer, ptr %slot
  %io = mul i64 %k, %rows
  %ip = getelementptr i64, ptr %indices, i64 %io
  br label %row
row:
  %r = phi i64 [0, %gather], [%r1, %copy]
  %left = icmp slt i64 %r, %rows
  br i1 %left, label %copy, label %fed
copy:
  %rp = getelementptr i64, ptr %ip, i64 %r
  %index = load i64, ptr %rp
  %fromo = mul i64 %index, %row_bytes
  %from = getelementptr i8, ptr %base, i64 %fromo
  %too = mul i64 %r, %row_bytes
  %to = getelementptr i8, ptr %buffer, i64 %too
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %row_bytes, i1 0)
  %r1 = add i64 %r, 1
  br label %row
fed:
  %f1 = add i64 %f, 1
  br label %feed
go:
  %rc = call i64 @run(ptr %p)
  %ok = icmp eq i64 %rc, 0
  br i1 %ok, label %store, label %stop
store:
  %o = phi i64 [0, %go], [%o1, %out]
  %some = icmp slt i64 %o, %n_outs
  br i1 %some, label %out, label %stored
out:
  %oo = mul i64 %o, 4
  %outp = getelementptr i64, ptr %outs, i64 %oo
  %dest = get ptr %outp.to
  %bytes = get i64 %outp.bytes
  %srcp = get ptr %outp.from
  %src = load ptr, ptr %srcp
  %off = mul i64 %k, %bytes
  %destk = getelementptr i8, ptr %dest, i64 %off
  call void @llvm.memcpy.p0.p0.i64(ptr %destk, ptr %src, i64 %bytes, i1 0)
  %o1 = add i64 %o, 1
  br label %store
stored:
  %k1 = add i64 %k, 1
  br label %head
stop:
  ret i64 %rc
end:
  ret i64 0
}

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
"""


@cache
def _fields() -> dict[str, int]:
    found = dict(_POOL)
    for structure in (PROGRAM, ENTRY, MANY, FEED, OUT):
        for i, name in enumerate(structure):
            if found.setdefault(name, i) != i and name != "spare":
                raise AssertionError(f"two fields are called {name}")
    return found


def field(name: str) -> int:
    """Where a field lies in its structure, in words. Names are unique over all structures."""
    return _fields()[name]


def _expand(text: str) -> str:
    """Turn get, put and at into IR."""
    count = iter(range(1 << 30))

    def get(found: re.Match[str]) -> str:
        into, type, base, name = found.groups()
        address = f"%at.{next(count)}"
        return (
            f"  {address} = getelementptr i64, ptr {base}, i64 {field(name)}\n  {into} = load {type}, ptr {address}"
        )

    def put(found: re.Match[str]) -> str:
        value, base, name = found.groups()
        address = f"%at.{next(count)}"
        return f"  {address} = getelementptr i64, ptr {base}, i64 {field(name)}\n  store {value}, ptr {address}"

    def at(found: re.Match[str]) -> str:
        into, base, name = found.groups()
        return f"  {into} = getelementptr i64, ptr {base}, i64 {field(name)}"

    text = re.sub(r"^  (%\w+) = get (\w+) (%\w+)\.(\w+)$", get, text, flags=re.MULTILINE)
    text = re.sub(r"^  put (\w+ [%\w]+), (%\w+)\.(\w+)$", put, text, flags=re.MULTILINE)
    return re.sub(r"^  (%\w+) = at (%\w+)\.(\w+)$", at, text, flags=re.MULTILINE)


def text() -> str:
    """The runtime's IR for this platform."""
    cpu = target()
    naps = {"NAP_WORKER": 1_000_000_000, "NAP_CALLER": 50_000_000}
    if sys.platform.startswith("linux"):
        system = _LINUX.replace("FUTEX", "202" if cpu.x86 else "98")
    elif sys.platform == "win32":
        system = _WINDOWS.replace("NAP", "call void @Sleep(i32 1)")
    else:
        system = _MAC.replace("NAP", "call i32 @usleep(i32 500)")
    if cpu.x86:
        system, pause = system + "declare void @llvm.x86.sse2.pause()\n", "call void @llvm.x86.sse2.pause()"
    else:
        pause = "fence seq_cst"
    body = _TEXT.replace("  PAUSE", f"  {pause}")
    for name, value in {**naps, "SPIN": SPIN, "WAKE": WAKE, "SHARED": SHARED, "WORTH": WORTH}.items():
        body = re.sub(rf"\b{name}\b", str(value), body)
    return _expand(system + body)


class Runtime:
    """The runtime's functions, as ctypes calls them."""

    def __init__(self) -> None:
        names = ("work", "kick", "run", "run_many", "enter")
        api: Any = ctypes.pythonapi
        symbols = {
            name: ctypes.cast(getattr(api, name), ctypes.c_void_p).value or 0
            for name in ("Py_IncRef", "PyEval_SaveThread", "PyEval_RestoreThread")
        }
        library = Library([], extra_ir=text(), exports=names, symbols=symbols)
        library.keep()  # workers wait in it
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self.work = ctypes.CFUNCTYPE(None, pointer, word)(library.address("work"))
        self.kick = ctypes.CFUNCTYPE(None, pointer)(library.address("kick"))
        self.run = ctypes.CFUNCTYPE(word, pointer)(library.address("run"))
        self.run_many = ctypes.CFUNCTYPE(word, pointer, pointer)(library.address("run_many"))
        self.enter = library.address("enter")


@cache
def runtime() -> Runtime:
    """The runtime, compiled or loaded when it is first needed."""
    return Runtime()
