; What the runtime needs of Linux: to sleep until a word changes, to wake, the time.
declare i64 @syscall(i64, ...)
declare i32 @getrusage(i32, ptr)
; How often the processor was taken from this thread.
define internal i64 @losses() {
  %use = alloca [36 x i64]
  call i32 @getrusage(i32 1, ptr %use)
  %at = getelementptr i64, ptr %use, i64 17
  %n = load i64, ptr %at
  ret i64 %n
}
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
