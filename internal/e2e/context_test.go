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

// The places where a call may be when its context ends.
const (
	inDial    = "dial"
	inHeader  = "header"
	inBody    = "body"
	inBackoff = "backoff"
	inLimiter = "limiter"
	inToken   = "token source"
)

// stalling is a server that refuses each request once with 429 and then never
// gets done with it, in the place that is chosen. It speaks HTTP over pipes, so
// that net/http's own transport runs in fake time.
type stalling struct {
	place string
	// opening are how many requests of an address are answered well first.
	opening func(req *http.Request) (requests int, body string)
	// dials are the connections that come about before dialling stalls.
	dials int

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

// spent reports whether each address has had its refusal, so that what comes
// next is to stall.
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

// Wait implements the limiter.
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
		answer(conn, "200 OK", body)
		return
	case n == openings+1:
		answer(conn, "429 Too Many Requests", `{"message":"slow down"}`)
		return
	case s.place == inBody:
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
	}
	_, _ = io.Copy(io.Discard, conn) // until the client hangs up
}

func answer(conn net.Conn, status, body string) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// subject is a call whose context ends.
type subject struct {
	name string
	// opening are the requests that succeed before the one that stalls, and
	// together those that are under way at once when it does.
	opening, together int
	call              func(ctx context.Context, c *apono.Client) error
	opts              []apono.Option
}

func subjects() []subject {
	var all []subject
	for _, v := range verbs[:5] { // the sixth is never repeated after a refusal
		all = append(all, subject{name: v.name, together: 1, call: v.call})
	}
	for _, list := range []string{"tokens", "offset"} {
		for _, ahead := range []int{0, 1, 4} {
			together := 1
			if list == "offset" && ahead == 4 {
				together = 2 // the second page and the third
			}
			all = append(all, subject{
				name: fmt.Sprintf("list by %s, %d ahead", list, ahead), opening: 1, together: together, opts: []apono.Option{apono.WithReadAhead(ahead)},
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
		name: "waiter", opening: 1, together: 1,
		call: func(ctx context.Context, c *apono.Client) error {
			_, err := c.AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
			return err
		},
	})
}

// answerFirst is what succeeds of a subject: the first page of a list, a waiter's
// first look.
func answerFirst(req *http.Request) (int, string) {
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

// A deployment that is stopped, a user who presses Ctrl-C and a handler whose
// client has gone all end a context, and then wait for the call. It must not
// matter what the call is waiting for itself; and what the server last said must
// not be lost, for it is the reason why the call was still there.
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
						server := &stalling{place: place, opening: answerFirst, dials: s.opening + s.together}
						client := server.client(t, s.opts...)
						started := time.Now()
						err := s.call(ctx, client)
						took := time.Since(started)

						require.ErrorIs(t, err, want)
						waited := (*apono.WaitError)(nil)
						if errors.As(err, &waited) && waited.LastFailure != nil {
							err = waited.LastFailure // which did not end the wait
						}
						require.ErrorIs(t, err, apono.ErrRateLimited)
						refusal := apitest.ErrorAs[*apono.APIError](t, err)
						require.Equal(t, "slow down", refusal.Message)
						require.ErrorAs(t, err, new(*apono.TransportError))
						if place == inBackoff && way == "deadline" {
							if waited == nil { // a wait lasts until its deadline
								require.Less(t, took, after, "no wait for what cannot be")
							}
							return
						}
						if place != inLimiter && place != inToken { // see below
							require.ErrorIs(t, err, why)
						}
						require.GreaterOrEqual(t, took, after, "an end within 50 ms")
						require.LessOrEqual(t, took, after+50*time.Millisecond, "an end within 50 ms")
					})
				})
			}
		}
	}
}

// Limiters and token sources are the caller's. Some say in words of their own
// that the context ended, or leave out why. A program that asks whether it was
// stopped must hear so all the same, or it reports every shutdown as a failure.
func TestContextIsFoundBehindLimitersAndTokenSources(t *testing.T) {
	t.Parallel()
	why := errors.New("shutting down")
	own := errors.New("gave up")
	for name, says := range map[string]func(ctx context.Context) error{
		"its error": func(ctx context.Context) error { return ctx.Err() },
		"its cause": context.Cause,
		"own words": func(context.Context) error { return own },
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
					if name == "own words" {
						require.ErrorIs(t, err, own)
					}
				})
			})
		}
	}
}

// waiting is a limiter of one function.
type waiting func(ctx context.Context) error

func (w waiting) Wait(ctx context.Context) error { return w(ctx) }

// Between two pages the loop's own work may take long. A list that goes on after
// it was called off asks for pages that nobody wants.
func TestContextEndsListsBetweenPages(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"tokens", "offset"} {
		for _, ahead := range []int{0, 1, 4} {
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
							time.Sleep(time.Minute) // the pages that are read ahead arrive meanwhile
							cancel()
							ended = time.Now()
						}
					}
					require.ErrorIs(t, last, context.Canceled)
					require.LessOrEqual(t, time.Since(ended), 50*time.Millisecond, "an end within 50 ms")
					require.GreaterOrEqual(t, read, 3, "nothing but what was read ahead")
					require.LessOrEqual(t, read, 3+max(ahead, 0), "nothing but what was read ahead")
					require.LessOrEqual(t, len(endless.Requests()), 3+ahead, "no request after the end")
					require.Zero(t, endless.UnderWay())
				})
			})
		}
	}
}

// A waiter that is called off between two looks ends then, not at the next one.
func TestContextEndsWaitersBetweenLooks(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{time.Millisecond, 500 * time.Millisecond, 7 * time.Second, time.Hour + time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(after, cancel)
				pending := &apitest.Pager{Serve: func(string) string { return `{"id":"ar-1","status":"PENDING"}` }}
				started := time.Now()
				_, err := pending.Client(t, 0).AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
				require.LessOrEqual(t, time.Since(started), after+50*time.Millisecond, "an end within 50 ms")
				require.ErrorIs(t, err, context.Canceled)
				require.EqualValues(t, "PENDING", apitest.ErrorAs[*apono.WaitError](t, err).Request.Status)
			})
		})
	}
}
