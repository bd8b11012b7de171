// A readers-writer lock that lets writers in although lanes hold it for one batch after another.
#pragma once
#include <pthread.h>

namespace weave {

class RwLock {
 public:
  RwLock() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~RwLock() { pthread_rwlock_destroy(&lock_); }
  RwLock(const RwLock&) = delete;
  RwLock& operator=(const RwLock&) = delete;
  void read() { pthread_rwlock_rdlock(&lock_); }
  void write() { pthread_rwlock_wrlock(&lock_); }
  void release() { pthread_rwlock_unlock(&lock_); }

 private:
  pthread_rwlock_t lock_;
};

class ReadGuard {
 public:
  explicit ReadGuard(RwLock& lock) : lock_(lock) { lock_.read(); }
  ~ReadGuard() { lock_.release(); }
  ReadGuard(const ReadGuard&) = delete;

 private:
  RwLock& lock_;
};

class WriteGuard {
 public:
  explicit WriteGuard(RwLock& lock) : lock_(lock) { lock_.write(); }
  ~WriteGuard() { lock_.release(); }
  WriteGuard(const WriteGuard&) = delete;

 private:
  RwLock& lock_;
};

}  // namespace weave
