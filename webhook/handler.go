package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

const (
	maxBody     = 1 << 20
	bodyTimeout = 30 * time.Second
	remembered  = 4096 // events, for WithoutDuplicates
)

// Option configures [NewHandler].
type Option func(*handler)

// WithAcceptedValue accepts a further value of the header, so that the value can be
// rotated: accept the new one, change it in the portal, then remove the old one. It
// panics if the value is empty.
func WithAcceptedValue(value string) Option { return func(h *handler) { h.accept(value) } }

// WithLogger sets the logger for failed deliveries. The default is [slog.Default].
// Records contain neither bodies nor headers.
func WithLogger(logger *slog.Logger) Option { return func(h *handler) { h.logger = logger } }

// WithoutDuplicates handles an event once, even if it is delivered again. Of two
// deliveries at the same time, the second one waits for the first one, and is handled
// only if the first one fails. Events are compared by [Event.Key]; those with an empty
// key are always handled. The handler remembers the last 4,096 events that it handled,
// until the program ends.
func WithoutDuplicates() Option {
	return func(h *handler) {
		h.deliveries = &deliveries{running: map[digest]chan struct{}{}, done: map[digest]bool{}}
	}
}

// NewHandler returns a handler for the webhooks of Apono. It calls handle for each event
// whose request has the header with the value, as it was set in the portal, for example
// Authorization with "Bearer " and a random token. Values are compared in constant time.
//
// The response has the status
//
//   - 204 after handle has returned nil
//   - 400 if the body is not an event, or does not arrive within 30 seconds
//   - 401 if the header is missing or has another value
//   - 413 if the body is larger than 1 MiB
//   - 500 if handle has returned an error or panicked
//
// The context of handle ends when Apono gives up waiting for the response. handle is
// called concurrently. Events may arrive late, more than once or in another order: read
// an access request again before acting on it.
//
// The handler accepts every method and path, because the administrator chooses them.
// NewHandler panics if header or value is empty or handle is nil.
func NewHandler(header, value string, handle func(context.Context, Event) error, opts ...Option) http.Handler {
	if header == "" {
		panic("webhook: header must not be empty")
	}
	if handle == nil {
		panic("webhook: handle must not be nil")
	}
	h := &handler{header: header, handle: handle, logger: slog.Default()}
	h.accept(value)
	for _, opt := range opts {
		opt(h)
	}
	return h
}

type digest = [sha256.Size]byte

type handler struct {
	header     string
	accepted   []digest // values as digests, which are of equal length
	handle     func(context.Context, Event) error
	logger     *slog.Logger
	deliveries *deliveries // nil without WithoutDuplicates
}

func (h *handler) accept(value string) {
	if value == "" {
		panic("webhook: value must not be empty")
	}
	h.accepted = append(h.accepted, sha256.Sum256([]byte(value)))
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, err := h.serve(w, r)
	if err != nil {
		level := slog.LevelWarn
		if status == http.StatusInternalServerError {
			level = slog.LevelError
		}
		h.logger.Log(r.Context(), level, "webhook delivery failed", "status", status, "error", err)
	}
	w.WriteHeader(status)
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) (status int, err error) {
	if !h.authorized(r) {
		return http.StatusUnauthorized, fmt.Errorf("missing or wrong %s header", h.header)
	}
	body, err := readBody(w, r)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, err
	}
	if err != nil {
		return http.StatusBadRequest, err
	}
	event, err := Parse(body)
	if err != nil {
		return http.StatusBadRequest, err
	}
	if err := h.once(r.Context(), event); err != nil {
		return http.StatusInternalServerError, err
	}
	return http.StatusNoContent, nil
}

// authorized reports whether the header has an accepted value. It takes the same time
// for all values of equal length.
func (h *handler) authorized(r *http.Request) bool {
	given := sha256.Sum256([]byte(r.Header.Get(h.header)))
	matches := 0
	for _, accepted := range h.accepted {
		matches |= subtle.ConstantTimeCompare(given[:], accepted[:])
	}
	return matches == 1
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, &http.MaxBytesError{Limit: maxBody}
	}
	// Some writers, such as those of tests, have no deadlines. The server removes the
	// deadline at the end of the body.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	var body bytes.Buffer
	_, err := io.Copy(&body, http.MaxBytesReader(w, r.Body, maxBody))
	return body.Bytes(), err
}

// once handles an event, unless it is a duplicate to be dropped.
func (h *handler) once(ctx context.Context, event Event) (err error) {
	if key := event.Key(); h.deliveries != nil && key != "" {
		id := sha256.Sum256([]byte(key))
		duplicate, err := h.deliveries.begin(ctx, id)
		if duplicate || err != nil {
			return err
		}
		handled := false
		defer func() { h.deliveries.end(id, handled) }()
		err = h.call(ctx, event)
		handled = err == nil
		return err
	}
	return h.call(ctx, event)
}

// call calls handle and returns a panic as an error.
func (h *handler) call(ctx context.Context, event Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h.handle(ctx, event)
}

// deliveries are the events that are being handled, and those that were handled last.
type deliveries struct {
	mu      sync.Mutex
	running map[digest]chan struct{} // closed at the end
	done    map[digest]bool
	last    [remembered]digest // the keys of done, in a ring
	next    int                // in last
}

// begin waits until no other delivery of the event is being handled. It reports whether
// one was handled. Otherwise, the caller must call end.
func (d *deliveries) begin(ctx context.Context, id digest) (duplicate bool, err error) {
	for {
		d.mu.Lock()
		if d.done[id] {
			d.mu.Unlock()
			return true, nil
		}
		other := d.running[id]
		if other == nil {
			d.running[id] = make(chan struct{})
			d.mu.Unlock()
			return false, nil
		}
		d.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func (d *deliveries) end(id digest, handled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.running[id])
	delete(d.running, id)
	if handled {
		delete(d.done, d.last[d.next])
		d.done[id], d.last[d.next] = true, id
		d.next = (d.next + 1) % remembered
	}
}
