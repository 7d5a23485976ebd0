package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// mostTimeouts is the longest duration of an attempt, in timeouts.
const mostTimeouts = 10

var errTimeout = errors.New("the attempt took too long")

// clock ends an attempt that takes too long. Its context has no deadline, because
// each part of the body that is received moves the end.
type clock struct {
	timeout time.Duration // 0 for none
	started time.Time
	timer   *time.Timer
	cancel  context.CancelCauseFunc
	header  bool  // the header was received
	bytes   int64 // number of bytes of the body received
}

// start starts the clock and returns the context of the attempt.
func (k *clock) start(ctx context.Context) context.Context {
	ctx, k.cancel = context.WithCancelCause(ctx)
	k.started = time.Now()
	if k.timeout > 0 {
		cancel := k.cancel
		k.timer = time.AfterFunc(k.timeout, func() { cancel(errTimeout) })
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

// body records that the header was received, and returns a reader that moves the end
// of the attempt.
func (k *clock) body(r io.Reader) io.Reader {
	k.header = true
	k.extend()
	if r == nil {
		return nil
	}
	return clockReader{r, k}
}

func (k *clock) extend() {
	if k.timer != nil {
		k.timer.Reset(min(k.timeout, mostTimeouts*k.timeout-time.Since(k.started)))
	}
}

type clockReader struct {
	io.Reader
	clock *clock
}

func (r clockReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.clock.bytes += int64(n)
		r.clock.extend()
	}
	return n, err
}

// TimeoutError reports an attempt that took too long.
type TimeoutError struct {
	Took   time.Duration
	Header bool   // the header was received
	Bytes  int64  // number of bytes of the body received
	Option string // what to raise
}

func (e *TimeoutError) Error() string {
	what := "no response"
	if e.Header {
		what = fmt.Sprintf("only %d bytes of the body", e.Bytes)
	}
	return fmt.Sprintf("%s within %s: raise %s for a slow server", what, Seconds(e.Took), e.Option)
}

// Timeout returns true. With Temporary it implements net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary returns true, because the next attempt may be faster.
func (e *TimeoutError) Temporary() bool { return true }

// Is reports whether target is context.DeadlineExceeded, as for timeouts of
// net/http.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Seconds returns a duration as a string, such as "2.5 s".
func Seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Round(time.Millisecond).Seconds(), 'f', -1, 64) + " s"
}
