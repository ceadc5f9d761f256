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
