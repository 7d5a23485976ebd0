package transport

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync"
	"time"
)

const (
	bytesPerSecond = 4 << 10 // number of bytes of a body that extend its timeout by 1 s
	mostTimeouts   = 10      // longest duration of an attempt, in timeouts
)

// clock ends an attempt that takes too long. Its context has no deadline, because
// the end changes while the body is read.
type clock struct {
	timeout time.Duration // 0 for none
	limit   time.Duration // the Timeout of the caller's http.Client, 0 for none
	cancel  context.CancelCauseFunc
	timer   *time.Timer

	mu      sync.Mutex
	started time.Time
	came    bool          // the header was received
	header  time.Duration // time until the header was received
	bytes   int64         // number of bytes of the body received
}

// start starts the clock and returns the context of the attempt.
func (k *clock) start(ctx context.Context) context.Context {
	ctx, k.cancel = context.WithCancelCause(ctx)
	k.started = time.Now()
	if k.timeout > 0 || k.limit > 0 {
		k.mu.Lock() // check needs the timer
		k.timer = time.AfterFunc(k.end(), k.check)
		k.mu.Unlock()
	}
	return ctx
}

// stop cancels the context.
func (k *clock) stop() {
	if k.timer != nil {
		k.timer.Stop()
	}
	k.cancel(nil)
}

// body records that the header was received, and returns a reader that counts the
// bytes of the body. The end is computed only when the timer fires, so that a read
// costs no more than the counting.
func (k *clock) body(r io.Reader) io.Reader {
	if k.timer == nil || r == nil {
		return r
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.came, k.header = true, time.Since(k.started)
	return &countedReader{r, k}
}

type countedReader struct {
	io.Reader
	clock *clock
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.clock.mu.Lock()
	r.clock.bytes += int64(n)
	r.clock.mu.Unlock()
	return n, err
}

// end returns the longest duration of the attempt, from its start.
func (k *clock) end() time.Duration {
	end := time.Duration(math.MaxInt64)
	if k.timeout > 0 {
		end = k.timeout
		if k.came {
			end = plus(plus(k.header, k.timeout), time.Duration(k.bytes/bytesPerSecond)*time.Second)
		}
		if k.timeout <= math.MaxInt64/mostTimeouts {
			end = min(end, mostTimeouts*k.timeout)
		}
	}
	if k.limit > 0 {
		end = min(end, k.limit)
	}
	return end
}

// plus adds two durations that are not negative, and limits the sum to the largest
// duration.
func plus(a, b time.Duration) time.Duration {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return math.MaxInt64
}

// check ends the attempt if its time is over, and otherwise resets the timer.
func (k *clock) check() {
	k.mu.Lock()
	defer k.mu.Unlock()
	end := k.end()
	if left := end - time.Since(k.started); left > 0 {
		k.timer.Reset(left)
		return
	}
	k.cancel(&TimeoutError{Took: end, Header: k.came, Bytes: k.bytes, Client: end == k.limit})
}

// TimeoutError is the error of an attempt that took too long.
type TimeoutError struct {
	Took   time.Duration
	Header bool  // the header was received
	Bytes  int64 // number of bytes of the body received
	Client bool  // the Timeout of the caller's http.Client ended the attempt
}

func (e *TimeoutError) Error() string {
	what, why := "no response", "raise WithAttemptTimeout for a slow server"
	if e.Header {
		what = fmt.Sprintf("only %d bytes of the body", e.Bytes)
	}
	if e.Client {
		why = "raise the Timeout of the http.Client"
	}
	return fmt.Sprintf("%s within %s: %s", what, e.Took, why)
}

// Timeout returns true. With Temporary it implements net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary returns true, because the next attempt may be faster.
func (e *TimeoutError) Temporary() bool { return true }

// Is reports whether target is context.DeadlineExceeded, as for timeouts of
// net/http.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
