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
	// bytesPerSecond is the pace below which a body is too slow: each so many
	// bytes of it earn a second.
	bytesPerSecond = 4 << 10
	// mostTimeouts is how many timeouts an attempt lasts at most, whatever its pace.
	mostTimeouts = 10
)

// clock ends an attempt that takes too long. Its context has no deadline,
// because the end moves on while the body comes.
type clock struct {
	timeout time.Duration // 0 for none
	limit   time.Duration // the Timeout of the caller's http.Client, 0 for none
	cancel  context.CancelCauseFunc
	timer   *time.Timer

	mu      sync.Mutex
	started time.Time
	came    bool          // the header did
	header  time.Duration // after which it came
	bytes   int64         // of the body that came
}

// start returns the context of an attempt that begins now.
func (k *clock) start(ctx context.Context) context.Context {
	ctx, k.cancel = context.WithCancelCause(ctx)
	k.started = time.Now()
	if k.timeout > 0 || k.limit > 0 {
		k.timer = time.AfterFunc(math.MaxInt64, k.check)
		k.timer.Reset(k.end())
	}
	return ctx
}

// stop ends the context.
func (k *clock) stop() {
	if k.timer != nil {
		k.timer.Stop()
	}
	k.cancel(nil)
}

// body marks the arrival of the header, and returns the body with its bytes
// counted. The end that this moves on is looked at when the timer fires, so that
// a body at an ordinary pace costs no more than the counting.
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

// end returns when the attempt is over, counted from its start.
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

// plus adds durations that are not negative.
func plus(a, b time.Duration) time.Duration {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return math.MaxInt64
}

// check ends the attempt if it is over, and looks again later if it is not.
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
	// Took is how long the attempt lasted.
	Took time.Duration
	// Header says that the header had come; Bytes of the body had.
	Header bool
	Bytes  int64
	// Client says that the Timeout of the caller's http.Client ended it.
	Client bool
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

// Timeout and Temporary make the error a net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary is true: the next attempt may be in time.
func (e *TimeoutError) Temporary() bool { return true }

// Is makes the error a deadline's, as net/http's own timeouts are.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
