; What the runtime needs of macOS. There is nothing to wait on, so whoever waits naps.
declare i32 @usleep(i32)
declare i64 @clock_gettime_nsec_np(i32)
define internal i64 @clock() {
  %t = call i64 @clock_gettime_nsec_np(i32 8)
  ret i64 %t
}
define internal i64 @losses() {
  ret i64 0
}
define internal void @rest(ptr %word, i32 %while, i64 %ns) {
  call i32 @usleep(i32 500)
  ret void
}
define internal void @wake(ptr %word, i64 %n) {
  ret void
}
