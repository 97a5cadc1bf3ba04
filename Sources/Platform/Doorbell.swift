internal import Glibc

/// Wakes one waiting thread, whether it already waits or is about to.
///
/// A ring that comes while nobody waits is kept: the next ``wait()`` returns at once. Several rings are one.
///
/// Isolation: any thread may ring; one thread waits.
@safe
package final class Doorbell: Sendable {
    // SAFETY: both are initialised before the object is shared, used through pthread calls only, and destroyed last.
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private nonisolated(unsafe) let condition: UnsafeMutablePointer<pthread_cond_t>
    private nonisolated(unsafe) let isRung: UnsafeMutablePointer<Bool>

    package init() {
        unsafe self.mutex = .allocate(capacity: 1)
        unsafe self.condition = .allocate(capacity: 1)
        unsafe self.isRung = .allocate(capacity: 1)
        unsafe self.mutex.initialize(to: pthread_mutex_t())
        unsafe self.condition.initialize(to: pthread_cond_t())
        unsafe self.isRung.initialize(to: false)
        unsafe pthread_mutex_init(self.mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(self.condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(self.condition)
        unsafe pthread_mutex_destroy(self.mutex)
        unsafe self.mutex.deallocate()
        unsafe self.condition.deallocate()
        unsafe self.isRung.deallocate()
    }

    package func ring() {
        unsafe pthread_mutex_lock(self.mutex)
        unsafe self.isRung.pointee = true
        unsafe pthread_cond_signal(self.condition)
        unsafe pthread_mutex_unlock(self.mutex)
    }

    /// Returns once the bell has been rung since the last return.
    package func wait() {
        unsafe pthread_mutex_lock(self.mutex)
        while unsafe !self.isRung.pointee { unsafe pthread_cond_wait(self.condition, self.mutex) }
        unsafe self.isRung.pointee = false
        unsafe pthread_mutex_unlock(self.mutex)
    }

    /// Returns once the bell has been rung since the last return, or when so much time has passed.
    package func wait(milliseconds: Int64) {
        var deadline = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = Int64(deadline.tv_nsec) + milliseconds % 1_000 * 1_000_000
        deadline.tv_sec += Int(milliseconds / 1_000 + nanoseconds / 1_000_000_000)
        deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
        unsafe pthread_mutex_lock(self.mutex)
        while unsafe !self.isRung.pointee {
            guard unsafe pthread_cond_timedwait(self.condition, self.mutex, &deadline) == 0 else { break }
        }
        unsafe self.isRung.pointee = false
        unsafe pthread_mutex_unlock(self.mutex)
    }
}
