package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

// Where a call may be when its context ends.
const (
	inDial    = "dial"
	inHeader  = "header"
	inBody    = "body"
	inBackoff = "backoff"
	inLimiter = "limiter"
	inToken   = "token source"
)

// stalling is a server that rejects each request once with 429 and then stalls in the
// given place. It serves HTTP over pipes, so that an http.Transport can be used in
// fake time.
type stalling struct {
	place string
	// opening returns how many requests for an address succeed first, and with which
	// body.
	opening func(req *http.Request) (requests int, body string)
	dials   int // number of connections before dialing stalls

	mu     sync.Mutex
	dialed int
	asked  map[string]int
}

func (s *stalling) client(t *testing.T, opts ...apono.Option) *apono.Client {
	t.Helper()
	s.asked = map[string]int{}
	transport := &http.Transport{DialContext: s.dial}
	t.Cleanup(transport.CloseIdleConnections)
	policy := apono.RetryPolicy{MinWait: 1, MaxWait: 1}
	if s.place == inBackoff {
		policy = apono.RetryPolicy{MinWait: time.Hour, MaxWait: time.Hour}
	}
	all := []apono.Option{
		apono.WithBaseURL("http://127.0.0.1"), apono.WithHTTPClient(&http.Client{Transport: transport}), apono.WithRetryPolicy(policy),
		apono.WithLimiter(s), apono.WithTokenSource(s.token), apono.WithAttemptTimeout(time.Hour),
	}
	client, err := apono.NewClient("", append(all, opts...)...)
	require.NoError(t, err)
	return client
}

// spent reports whether each address has been rejected once, so that the next request
// stalls.
func (s *stalling) spent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialed >= s.dials
}

func (s *stalling) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if s.place == inDial && s.spent() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.mu.Lock()
	s.dialed++
	s.mu.Unlock()
	client, server := net.Pipe()
	go s.serve(server)
	return client, nil
}

// Wait implements the limiter of [apono.WithLimiter].
func (s *stalling) Wait(ctx context.Context) error {
	if s.place == inLimiter && s.spent() {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (s *stalling) token(ctx context.Context) (string, error) {
	if s.place == inToken && s.spent() {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return apitest.Token, nil
}

func (s *stalling) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	s.mu.Lock()
	address := req.URL.String()
	s.asked[address]++
	n := s.asked[address]
	s.mu.Unlock()
	openings, body := s.opening(req)
	switch {
	case n <= openings:
		respond(conn, "200 OK", body)
		return
	case n == openings+1:
		respond(conn, "429 Too Many Requests", `{"message":"slow down"}`)
		return
	case s.place == inBody:
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
	}
	_, _ = io.Copy(io.Discard, conn) // until the client closes the connection
}

func respond(conn net.Conn, status, body string) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// subject is a call whose context ends.
type subject struct {
	name    string
	opening int // number of requests that succeed before one stalls
	call    func(ctx context.Context, c *apono.Client) error
	opts    []apono.Option
}

func subjects() []subject {
	var all []subject
	for _, v := range verbs[:5] { // the sixth is not retried after a 429
		all = append(all, subject{name: v.name, call: v.call})
	}
	for _, list := range []string{"tokens", "offset"} {
		for _, ahead := range []int{0, 1} {
			all = append(all, subject{
				name: fmt.Sprintf("list by %s, %d ahead", list, ahead), opening: 1, opts: []apono.Option{apitest.ReadAhead(ahead)},
				call: func(ctx context.Context, c *apono.Client) error {
					read := ""
					for id, err := range everyList(ctx, c)[list] {
						if err != nil {
							if read != "ab" {
								return fmt.Errorf("the first page is missing: %q before %w", read, err)
							}
							return err
						}
						read += id
					}
					return errors.New("the list ended without an error")
				},
			})
		}
	}
	return append(all, subject{
		name: "waiter", opening: 1,
		call: func(ctx context.Context, c *apono.Client) error {
			_, err := c.AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
			return err
		},
	})
}

// respondFirst returns the response that succeeds: the first page of a list, or the
// first poll of a waiter.
func respondFirst(req *http.Request) (int, string) {
	switch {
	case strings.Contains(req.URL.RawQuery, "page_token") || strings.Contains(req.URL.RawQuery, "skip"):
		return 0, ""
	case strings.HasSuffix(req.URL.Path, "/permissions"):
		return 1, `{"data":[{"id":"a"},{"id":"b"}],"pagination":{"total":6,"limit":2,"offset":0}}`
	case strings.HasSuffix(req.URL.Path, "/integrations") && req.Method == http.MethodGet:
		return 1, `{"items":[{"id":"a"},{"id":"b"}],"pagination":{"next_page_token":"t1"}}`
	case strings.HasSuffix(req.URL.Path, "/access-requests/ar-1"):
		return 1, `{"id":"ar-1","status":"PENDING"}`
	}
	return 0, ""
}

// A call ends within 50 ms of its context, whatever it is waiting for. Its error has
// the last response of the server, which is why the call took so long.
func TestContextEndsEveryCallEverywhere(t *testing.T) {
	t.Parallel()
	const after = 3 * time.Second
	why := errors.New("shutting down")
	for _, place := range []string{inDial, inHeader, inBody, inBackoff, inLimiter, inToken} {
		for _, s := range subjects() {
			for _, way := range []string{"cancel", "deadline"} {
				t.Run(way+" in "+place+" of "+s.name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithTimeoutCause(t.Context(), after, why)
						want := context.DeadlineExceeded
						if way == "cancel" {
							cancel()
							var stop context.CancelCauseFunc
							ctx, stop = context.WithCancelCause(t.Context())
							defer time.AfterFunc(after, func() { stop(why) }).Stop()
							want = context.Canceled
						}
						defer cancel()
						server := &stalling{place: place, opening: respondFirst, dials: s.opening + 1}
						client := server.client(t, s.opts...)
						started := time.Now()
						err := s.call(ctx, client)
						took := time.Since(started)

						require.ErrorIs(t, err, want)
						waited := (*apono.WaitError)(nil)
						if errors.As(err, &waited) && waited.LastFailure != nil {
							err = waited.LastFailure
						}
						require.ErrorIs(t, err, apono.ErrRateLimited)
						rejection := apitest.ErrorAs[*apono.APIError](t, err)
						require.Equal(t, "slow down", rejection.Message)
						require.ErrorAs(t, err, new(*apono.TransportError))
						if place == inBackoff && way == "deadline" {
							if waited == nil { // WaitFor lasts until the deadline
								require.Less(t, took, after, "the call waited although the deadline comes first")
							}
							return
						}
						if place != inLimiter && place != inToken { // see below
							require.ErrorIs(t, err, why)
						}
						require.GreaterOrEqual(t, took, after, "the call ended too early")
						require.LessOrEqual(t, took, after+50*time.Millisecond, "the call ended too late")
					})
				})
			}
		}
	}
}

// A limiter or token source may return its own error, or one without the cause, when
// the context ends. errors.Is must find the context's error and its cause anyway.
func TestErrorsOfLimiterAndTokenSourceWrapContextError(t *testing.T) {
	t.Parallel()
	why := errors.New("shutting down")
	own := errors.New("gave up")
	for name, says := range map[string]func(ctx context.Context) error{
		"context error": func(ctx context.Context) error { return ctx.Err() },
		"cause":         context.Cause,
		"own error":     func(context.Context) error { return own },
	} {
		for place, option := range map[string]func(wait func(context.Context) error) apono.Option{
			inLimiter: func(wait func(context.Context) error) apono.Option { return apono.WithLimiter(waiting(wait)) },
			inToken: func(wait func(context.Context) error) apono.Option {
				return apono.WithTokenSource(func(ctx context.Context) (string, error) { return apitest.Token, wait(ctx) })
			},
		} {
			t.Run(place+" with "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(time.Second, func() { cancel(why) })
					wait := func(ctx context.Context) error {
						<-ctx.Done()
						return says(ctx)
					}
					started := time.Now()
					err := apitest.GetIntegration(ctx, apitest.NewClient(t, apitest.NoRequest(t), option(wait)))
					require.Equal(t, time.Second, time.Since(started))
					require.ErrorIs(t, err, context.Canceled)
					require.ErrorIs(t, err, why)
					if name == "own error" {
						require.ErrorIs(t, err, own)
					}
				})
			})
		}
	}
}

// waiting is a function that implements a limiter.
type waiting func(ctx context.Context) error

func (w waiting) Wait(ctx context.Context) error { return w(ctx) }

// The context of a list may end between two pages, while the loop body runs.
func TestContextEndsListsBetweenPages(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"tokens", "offset"} {
		for _, ahead := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d ahead", list, ahead), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					endless := &apitest.Pager{Serve: func(at string) string {
						n := 0
						_, _ = fmt.Sscanf(strings.TrimPrefix(at, "t"), "%d", &n)
						if list == "tokens" {
							return apitest.TokenPage(fmt.Sprintf("t%d", n+1), fmt.Sprint("i", n))
						}
						return apitest.OffsetPage(1000, 1, n, fmt.Sprint("i", n))
					}}
					client := endless.Client(t, ahead)
					read := 0
					var last error
					var ended time.Time
					for _, err := range everyList(ctx, client)[list] {
						if last = err; err != nil {
							break
						}
						if read++; read == 3 {
							time.Sleep(time.Minute) // meanwhile pages are read ahead
							cancel()
							ended = time.Now()
						}
					}
					require.ErrorIs(t, last, context.Canceled)
					require.LessOrEqual(t, time.Since(ended), 50*time.Millisecond, "the list ended too late")
					require.GreaterOrEqual(t, read, 3)
					require.LessOrEqual(t, read, 3+ahead, "the list yields more than what was read ahead")
					require.LessOrEqual(t, len(endless.Requests()), 3+ahead, "requests after the context ended")
					require.Zero(t, endless.UnderWay())
				})
			})
		}
	}
}
