; What the runtime needs of Windows. There is nothing to wait on, so whoever waits naps.
declare void @Sleep(i32)
declare i32 @QueryPerformanceCounter(ptr)
define internal i64 @clock() {
  %time = alloca i64
  call i32 @QueryPerformanceCounter(ptr %time)
  %n = load i64, ptr %time
  %t = mul i64 %n, 100
  ret i64 %t
}
define internal i64 @losses() {
  ret i64 0
}
define internal void @rest(ptr %word, i32 %while, i64 %ns) {
  call void @Sleep(i32 1)
  ret void
}
define internal void @wake(ptr %word, i64 %n) {
  ret void
}
