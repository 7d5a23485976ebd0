package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono/webhook"
)

const secret = "Bearer hunter2"

func eventBody(id int) string {
	return fmt.Sprintf(`{"event_type": "RequestCreated", "event_time": 1, "data": {"id": "%d", "justification": "confidential"}}`, id)
}

// deliver sends a body to a handler and returns the status of the response.
func deliver(ctx context.Context, h http.Handler, value, body string) int {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
	if value != "" {
		r.Header.Set("Authorization", value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func succeed(context.Context, webhook.Event) error { return nil }

func quiet() webhook.Option { return webhook.WithLogger(slog.New(slog.DiscardHandler)) }

func TestHandlerPassesTheEventOn(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	var got webhook.Event
	h := webhook.NewHandler("Authorization", secret, func(ctx context.Context, event webhook.Event) error {
		require.Equal(t, "value", ctx.Value(contextKey{}))
		got = event
		return nil
	}, quiet())
	ctx := context.WithValue(t.Context(), contextKey{}, "value")
	require.Equal(t, http.StatusNoContent, deliver(ctx, h, secret, requestBody))
	require.Equal(t, fullRequest(), got)
	require.Equal(t, http.StatusNoContent, deliver(ctx, h, secret, auditBody))
	require.Equal(t, fullAudit(), got)
}

func TestHandlerRequiresTheHeader(t *testing.T) {
	t.Parallel()
	var calls int
	h := webhook.NewHandler("Authorization", secret, func(context.Context, webhook.Event) error {
		calls++
		return nil
	}, webhook.WithAcceptedValue("Bearer second"), webhook.WithAcceptedValue("Bearer third"), quiet())
	for _, value := range []string{"", "hunter2", "Bearer hunter", "Bearer hunter22", "bearer hunter2", "Bearer secon", "Bearer hunter2, Bearer second"} {
		require.Equal(t, http.StatusUnauthorized, deliver(t.Context(), h, value, eventBody(1)), value)
	}
	require.Zero(t, calls)
	for i, value := range []string{secret, "Bearer second", "Bearer third"} {
		require.Equal(t, http.StatusNoContent, deliver(t.Context(), h, value, eventBody(1)))
		require.Equal(t, i+1, calls)
	}
	// The handler does not know the values, only their digests, which are compared.
	require.NotContains(t, fmt.Sprintf("%+v %#v", h, h), "hunter2")

	for _, misuse := range []func(){
		func() { webhook.NewHandler("", secret, succeed) },
		func() { webhook.NewHandler("Authorization", "", succeed) },
		func() { webhook.NewHandler("Authorization", secret, nil) },
		func() { webhook.NewHandler("Authorization", secret, succeed, webhook.WithAcceptedValue("")) },
	} {
		require.Panics(t, misuse)
	}
}

func TestHandlerReportsFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, body string
		fail        func() error
		status      int
		logged      string
	}{
		{"Bearer wrong", eventBody(1), nil, http.StatusUnauthorized, "missing or wrong Authorization header"},
		{secret, `{"data": "confidential"}`, nil, http.StatusBadRequest, "webhook: data: cannot unmarshal string into Go map"},
		{secret, `confidential`, nil, http.StatusBadRequest, "the body is not a JSON object"},
		{secret, eventBody(1) + strings.Repeat(" ", 1<<20), nil, http.StatusRequestEntityTooLarge, "too large"},
		{secret, eventBody(1), func() error { return errors.New("disk full") }, http.StatusInternalServerError, "disk full"},
		{secret, eventBody(1), func() error { panic("at the disco") }, http.StatusInternalServerError, "panic: at the disco"},
		{secret, eventBody(1), func() error { panic(http.ErrAbortHandler) }, http.StatusInternalServerError, "panic: "},
	} {
		var log bytes.Buffer
		h := webhook.NewHandler("Authorization", secret, func(context.Context, webhook.Event) error { return c.fail() },
			webhook.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
		require.Equal(t, c.status, deliver(t.Context(), h, c.value, c.body), c.logged)
		require.Contains(t, log.String(), c.logged)
		require.Contains(t, log.String(), `"status":`+strconv.Itoa(c.status))
		require.Equal(t, 1, strings.Count(log.String(), "\n"))
		require.NotContains(t, log.String(), "confidential")
		require.NotContains(t, log.String(), "hunter2")
		require.NotContains(t, log.String(), "wrong\"")
	}
}

// serve starts a server for a handler and returns a function that delivers to it.
func serve(t *testing.T, h http.Handler) (url string, send func(value string, body io.Reader) int) {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), func(value string, body io.Reader) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL, body)
		if err != nil {
			return 0
		}
		r.Header.Set("X-Apono", value)
		resp, err := server.Client().Do(r)
		if err != nil {
			return 0
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
}

func TestHandlerUnderConcurrentDeliveries(t *testing.T) {
	t.Parallel()
	const senders = 200
	var handled sync.Map
	h := webhook.NewHandler("X-Apono", secret, func(_ context.Context, event webhook.Event) error {
		id := event.(*webhook.RequestEvent).Data.ID
		if n, _ := strconv.Atoi(id); n%5 == 4 {
			panic("every fifth")
		}
		handled.Store(id, true)
		return nil
	}, webhook.WithoutDuplicates(), quiet())
	_, send := serve(t, h)
	statuses := make([]int, senders)
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			switch body := eventBody(i); i % 5 {
			case 0:
				statuses[i] = send(secret, strings.NewReader(body))
			case 1:
				statuses[i] = send("wrong", strings.NewReader(body))
			case 2: // without Content-Length
				statuses[i] = send(secret, io.MultiReader(strings.NewReader(body), strings.NewReader(strings.Repeat(" ", 1<<20))))
			case 3:
				statuses[i] = send(secret, strings.NewReader(body[1:]))
			case 4:
				statuses[i] = send(secret, strings.NewReader(body))
			}
		})
	}
	all.Wait()
	for i, status := range statuses {
		want := []int{204, 401, 413, 400, 500}[i%5]
		if want == 413 && status == 0 {
			continue // the server closed the connection while the body was sent
		}
		require.Equal(t, want, status, i)
		_, ok := handled.Load(strconv.Itoa(i))
		require.Equal(t, want == 204, ok, i)
	}
}

// A sender that sends a byte now and then is given up after 30 seconds.
func TestHandlerGivesUpSlowBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := webhook.NewHandler("X-Apono", secret, succeed, quiet())
		listener := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		server := &http.Server{Handler: h} //nolint:gosec // the handler has a timeout
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(listener) }()
		conn, served := net.Pipe()
		listener.conns <- served
		started := time.Now()
		sender := make(chan struct{})
		go func() {
			defer close(sender)
			_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Apono: "+secret+"\r\nContent-Length: 1000\r\n\r\n")
			for {
				if _, err := io.WriteString(conn, " "); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		response := make([]byte, len("HTTP/1.1 400"))
		_, err := io.ReadFull(conn, response)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 400", string(response))
		require.InDelta(t, 30, time.Since(started).Seconds(), 1)
		require.NoError(t, conn.Close())
		<-sender
		require.NoError(t, server.Close())
		<-done
		time.Sleep(time.Minute) // the server lingers on a connection
	})
}

// A handle that takes longer than the body may take is not interrupted.
func TestHandlerHasNoDeadlineForHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := webhook.NewHandler("X-Apono", secret, func(ctx context.Context, _ webhook.Event) error {
			time.Sleep(time.Hour)
			return ctx.Err()
		}, quiet())
		listener := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		server := &http.Server{Handler: h} //nolint:gosec // the handler has a timeout
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(listener) }()
		conn, served := net.Pipe()
		listener.conns <- served
		body := eventBody(1)
		_, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Apono: %s\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body)
		require.NoError(t, err)
		response := make([]byte, len("HTTP/1.1 204"))
		_, err = io.ReadFull(conn, response)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 204", string(response))
		require.NoError(t, conn.Close())
		require.NoError(t, server.Close())
		<-done
		time.Sleep(time.Minute) // the server lingers on a connection
	})
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A sender that hangs up cancels the context of handle.
func TestHandlerPassesOnCancellation(t *testing.T) {
	t.Parallel()
	running, canceled := make(chan struct{}), make(chan error, 1)
	h := webhook.NewHandler("X-Apono", secret, func(ctx context.Context, _ webhook.Event) error {
		close(running)
		<-ctx.Done()
		canceled <- ctx.Err()
		return ctx.Err()
	}, quiet())
	address, _ := serve(t, h)
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	body := eventBody(1)
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Apono: %s\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body)
	require.NoError(t, err)
	<-running
	require.NoError(t, conn.Close())
	require.ErrorIs(t, <-canceled, context.Canceled)
}

func TestWithoutDuplicatesHandlesAnEventOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls, running atomic.Int32
		fail := true
		h := webhook.NewHandler("Authorization", secret, func(context.Context, webhook.Event) error {
			require.Equal(t, int32(1), running.Add(1), "two at once")
			defer running.Add(-1)
			calls.Add(1)
			time.Sleep(time.Second)
			if fail {
				fail = false
				panic("the first one")
			}
			return nil
		}, webhook.WithoutDuplicates(), quiet())
		statuses := make(chan int, 10)
		for range 10 {
			go func() { statuses <- deliver(t.Context(), h, secret, eventBody(1)) }()
		}
		count := map[int]int{}
		for range 10 {
			count[<-statuses]++
		}
		// One failed, one of the others was handled, and eight are its duplicates.
		require.Equal(t, map[int]int{204: 9, 500: 1}, count)
		require.Equal(t, int32(2), calls.Load())
		require.Equal(t, 204, deliver(t.Context(), h, secret, eventBody(1)))
		require.Equal(t, int32(2), calls.Load())
		require.Equal(t, 204, deliver(t.Context(), h, secret, eventBody(2)))
		require.Equal(t, int32(3), calls.Load())
	})
}

func TestWithoutDuplicatesWaitsNoLongerThanTheSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := webhook.NewHandler("Authorization", secret, func(context.Context, webhook.Event) error {
			time.Sleep(time.Hour)
			return nil
		}, webhook.WithoutDuplicates(), quiet())
		first := make(chan int)
		go func() { first <- deliver(t.Context(), h, secret, eventBody(1)) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, 500, deliver(ctx, h, secret, eventBody(1)))
		require.Equal(t, 204, <-first)
	})
}

// An event without ID or time may be another one than its equal.
func TestWithoutDuplicatesHandlesEventsWithoutKey(t *testing.T) {
	t.Parallel()
	var calls int
	h := webhook.NewHandler("Authorization", secret, func(context.Context, webhook.Event) error {
		calls++
		return nil
	}, webhook.WithoutDuplicates(), quiet())
	for range 2 {
		require.Equal(t, 204, deliver(t.Context(), h, secret, `{"data": {"action": "x"}}`))
	}
	require.Equal(t, 2, calls)
}

func TestWithoutDuplicatesForgetsOldEvents(t *testing.T) {
	t.Parallel()
	var calls int
	h := webhook.NewHandler("Authorization", secret, func(context.Context, webhook.Event) error {
		calls++
		return nil
	}, webhook.WithoutDuplicates(), quiet())
	for i := range 4097 {
		require.Equal(t, 204, deliver(t.Context(), h, secret, eventBody(i)))
	}
	require.Equal(t, 4097, calls)
	deliver(t.Context(), h, secret, eventBody(1)) // the oldest one that it remembers
	require.Equal(t, 4097, calls)
	deliver(t.Context(), h, secret, eventBody(0))
	require.Equal(t, 4098, calls)
}

// Without the option, it is the program that knows whether it has seen an event.
func TestHandlerHandlesDuplicatesByDefault(t *testing.T) {
	t.Parallel()
	var calls int
	h := webhook.NewHandler("Authorization", secret, func(context.Context, webhook.Event) error {
		calls++
		return nil
	}, quiet())
	for range 2 {
		require.Equal(t, 204, deliver(t.Context(), h, secret, eventBody(1)))
	}
	require.Equal(t, 2, calls)
}
