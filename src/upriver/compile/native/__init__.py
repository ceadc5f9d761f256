"""The native side: machine code from LLVM IR, its cache on disk, a pool of threads, and what runs a program."""
