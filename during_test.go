package apono_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func bundleRequest() apono.CreateAccessRequestInput {
	return apono.CreateAccessRequestInput{BundleReference: new("b-1")}
}

// tenant returns a server without a network. It has two integrations, each with one
// resource that may be requested.
func tenant(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, append([]aponotest.Option{aponotest.WithoutNetwork()}, opts...)...)
	for _, id := range []string{"orders", "billing"} {
		server.Put(aponotest.Integrations, apono.Integration{ID: id, Name: id, Type: "postgresql", Status: "ACTIVE"})
		server.Put(aponotest.ResourcesOf(id), apono.Resource{ID: id + "-table", Name: id, Type: "postgresql-table"})
		server.Put(aponotest.PermissionsOf(id), apono.Permission{ID: id + "-read", Name: "read", ResourceType: "postgresql-table"})
	}
	return server
}

// twoRequests returns an input for which the server creates two requests.
func twoRequests() apono.CreateAccessRequestInput {
	return apono.CreateAccessRequestInput{Entitlements: []apono.CreateAccessRequestEntitlement{
		{ResourceID: "orders-table", PermissionID: "orders-read"}, {ResourceID: "billing-table", PermissionID: "billing-read"},
	}}
}

// statuses returns the statuses of all requests of the server.
func statuses(t *testing.T, server *aponotest.Server) string {
	t.Helper()
	all, err := apono.Collect(server.Client().AccessRequests.ListAll(context.Background()))
	require.NoError(t, err)
	var found []string
	for _, request := range all {
		found = append(found, string(request.Status))
	}
	return strings.Join(found, " ")
}

// pendingRequests returns the ids of the pending requests.
func pendingRequests(t *testing.T, server *aponotest.Server) []string {
	t.Helper()
	all, err := apono.Collect(server.Client().AccessRequests.ListAll(context.Background()))
	require.NoError(t, err)
	var ids []string
	for _, request := range all {
		if request.Status.Pending() {
			ids = append(ids, request.ID)
		}
	}
	return ids
}

var errUse = errors.New("the migration failed")

// Access exists while use runs, and ends after it, whether use returns, fails, panics or
// ends its goroutine.
func TestDuringRevokesWhenUseEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end   func(t *testing.T)
		err   error
		check func(t *testing.T, panicked any, exited bool)
	}{
		"returns": {end: func(*testing.T) {}},
		"fails":   {end: nil, err: errUse},
		"panics": {end: func(*testing.T) { panic("a bug") }, check: func(t *testing.T, panicked any, _ bool) {
			t.Helper()
			require.Equal(t, "a bug", panicked)
		}},
		"ends its goroutine": {end: func(*testing.T) { runtime.Goexit() }, check: func(t *testing.T, _ any, exited bool) {
			t.Helper()
			require.True(t, exited)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t, aponotest.WithApprovalAfter(time.Hour), aponotest.WithProvisioningTime(time.Minute))
				client := server.Client()
				during := ""
				var err error
				var panicked any
				exited := true
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { panicked = recover() }()
					err = client.AccessRequests.During(t.Context(), twoRequests(), func(_ context.Context, grant *apono.Grant) error {
						assert.Len(t, grant.Requests(), 2)
						for _, request := range grant.Requests() {
							assert.True(t, request.Status.Granted())
						}
						during = statuses(t, server)
						time.Sleep(time.Minute)
						if test.end == nil {
							return errUse
						}
						test.end(t)
						return nil
					})
					exited = false
				}()
				<-done
				require.Equal(t, "ACTIVE ACTIVE", during)
				require.Equal(t, "REVOKING REVOKING", statuses(t, server))
				require.Len(t, server.Requests("AccessRequests.Create"), 1)
				require.Len(t, server.Requests("AccessRequests.Revoke"), 2)
				if test.check != nil {
					test.check(t, panicked, exited)
					return
				}
				require.Nil(t, panicked)
				require.Equal(t, test.err, err, "the error of use must be returned unchanged")
			})
		})
	}
}

// A rejected request needs no revocation.
func TestDuringRevokesWhenTheWaitFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(server *aponotest.Server, ids []string, cancel func())
		err     error
		revoked int
		left    string
	}{
		"one is rejected": {func(s *aponotest.Server, ids []string, _ func()) { s.Reject(ids[1]) }, apono.ErrRequestRejected, 1, "REVOKED REJECTED"},
		"one is granted, the other rejected": {func(s *aponotest.Server, ids []string, _ func()) {
			s.Approve(ids[1])
			s.Reject(ids[0])
		}, apono.ErrRequestRejected, 1, "REJECTED REVOKED"},
		"the context ends": {func(_ *aponotest.Server, _ []string, cancel func()) { cancel() }, context.Canceled, 2, "REVOKED REVOKED"},
		"a poll fails permanently": {func(s *aponotest.Server, _ []string, _ func()) {
			s.FaultNext("AccessRequests.Get", 1, aponotest.Fault{Status: 403, Body: `{"message": "not yours"}`})
		}, apono.ErrForbidden, 2, "REVOKED REVOKED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				server := tenant(t)
				time.AfterFunc(time.Minute, func() { test.happens(server, pendingRequests(t, server), cancel) })
				started := time.Now()
				err := server.Client().AccessRequests.During(ctx, twoRequests(), func(context.Context, *apono.Grant) error {
					assert.Fail(t, "use must not be called")
					return nil
				})
				require.ErrorIs(t, err, test.err)
				require.ErrorAs(t, err, new(*apono.WaitError))
				require.NotErrorAs(t, err, new(*apono.RevokeError))
				require.LessOrEqual(t, time.Since(started), 80*time.Second)
				require.Equal(t, test.left, statuses(t, server))
				require.Len(t, server.Requests("AccessRequests.Revoke"), test.revoked)
			})
		})
	}
}

// The ids of the created requests must not be lost when the context ends.
func TestDuringRevokesWhenContextEndsDuringCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the user left")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		server := tenant(t, aponotest.WithApprovalAfter(0))
		server.FaultNext("AccessRequests.Create", 1, aponotest.Fault{Latency: 20 * time.Second})
		err := server.Client().AccessRequests.During(ctx, twoRequests(), useNothing)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, why)
		require.Equal(t, "REVOKED REVOKED", statuses(t, server))
	})
}

func useNothing(context.Context, *apono.Grant) error { return nil }

func TestDuringWithInvalidArgumentsSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.During(ctx, twoRequests(), useNothing)
	require.ErrorIs(t, err, context.Canceled)
	err = apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.During(t.Context(), twoRequests(), nil)
	require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), "apono: argument use: must not be nil: pass the function that needs the access")
	var none context.Context
	err = apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.During(none, twoRequests(), useNothing)
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	err = apitest.NewClient(t, apitest.NoRequest(t), apono.WithReadOnly()).AccessRequests.During(t.Context(), twoRequests(), useNothing)
	require.ErrorIs(t, err, apono.ErrReadOnly)
	require.NotErrorAs(t, err, new(*apono.RevokeError))
}

// When the access ends, use is canceled with the reason. Failed polls do not cancel it.
func TestDuringCancelsUseWhenAccessEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(0))
		in := twoRequests()
		in.DurationInSec = new(3600)
		started := time.Now()
		var cause error
		var id string
		err := server.Client().AccessRequests.During(t.Context(), in, func(ctx context.Context, grant *apono.Grant) error {
			id = grant.IDs()[0]
			server.FaultNext("AccessRequests.Get", 3, aponotest.Fault{Status: 401})
			server.FaultNext("AccessRequests.Get", 3, aponotest.Fault{Status: 403})
			server.FaultNext("AccessRequests.Get", 3, aponotest.Fault{Status: 404})
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		})
		require.ErrorIs(t, cause, apono.ErrRequestRevoked)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, apono.ErrRequestRevoked)
		require.EqualError(t, err, "context canceled: apono: the access ended while it was in use: apono: waiting for access request "+id+": the access request was revoked or has expired; its last status was REVOKED; the last failure was GET /api/user/v4/access-requests/{id}: 404 Not Found, request ID fake-12; check the base URL in APONO_ENDPOINT or WithBaseURL")
		require.GreaterOrEqual(t, time.Since(started), time.Hour)
		require.LessOrEqual(t, time.Since(started), time.Hour+31*time.Second)
	})
}

// If it is unclear whether a revocation succeeded, During reads the request and revokes
// again if the access still exists.
func TestDuringRetriesRevocation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		plan func(*aponotest.Server)
		sent int
	}{
		"the response is lost": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Break: aponotest.ResponseLost})
		}, 1},
		"the request is lost": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Break: aponotest.RequestLost})
		}, 2},
		"five requests are lost": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 5, aponotest.Fault{Break: aponotest.RequestLost})
		}, 6},
		"502": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 502, Body: html})
		}, 2},
		"HTML with status 200": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 200, Body: html})
		}, 2},
		"no response for an hour": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Latency: time.Hour})
		}, 2},
		"reads fail, too": {func(s *aponotest.Server) {
			s.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 502})
			s.FaultNext("AccessRequests.Get", 5, aponotest.Fault{Status: 503})
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t, aponotest.WithApprovalAfter(0))
				in := twoRequests()
				in.Entitlements = in.Entitlements[:1]
				ctx, cancel := context.WithCancel(t.Context())
				started := time.Now()
				err := server.Client().AccessRequests.During(ctx, in, func(context.Context, *apono.Grant) error {
					cancel()
					test.plan(server)
					return errUse
				})
				require.Equal(t, errUse, err)
				require.Equal(t, "REVOKED", statuses(t, server))
				require.Len(t, server.Requests("AccessRequests.Revoke"), test.sent)
				require.LessOrEqual(t, time.Since(started), 30*time.Second)
			})
		})
	}
}

// Access that could not be revoked is named in the error or, after a panic, in the log.
func TestDuringReportsAccessThatMayRemain(t *testing.T) {
	t.Parallel()
	rejects := func(req *http.Request) (*http.Response, error) {
		if isRevocation(req) {
			return responds(403, `{"message": "not yours"}`)
		}
		return nil, nil
	}
	for name, test := range map[string]struct {
		fail func(*http.Request) (*http.Response, error)
		use  func() error
		err  error
		text string
	}{
		"rejected": {rejects, func() error { return errUse }, apono.ErrForbidden,
			"the migration failed; apono: access may remain: revoke the requests ID: POST /api/user/v4/access-requests/{id}/revoke: 403 Forbidden: not yours"},
		"rejected, and use panics": {rejects, func() error { panic("a bug") }, nil, ""},
		"read rejected": {func(req *http.Request) (*http.Response, error) {
			if isRevocation(req) {
				return nil, apitest.ErrReset
			}
			return responds(403, `{"message": "not yours"}`)
		}, func() error { return errUse }, apono.ErrForbidden,
			"the migration failed; apono: access may remain: revoke the requests ID: POST /api/user/v4/access-requests/{id}/revoke: " + apitest.ErrReset.Error() +
				"; apono: GET /api/user/v4/access-requests/{id}: 403 Forbidden: not yours"},
		"only the revocation fails": {rejects, func() error { return nil }, apono.ErrForbidden,
			"apono: access may remain: revoke the requests ID: POST /api/user/v4/access-requests/{id}/revoke: 403 Forbidden: not yours"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t, aponotest.WithApprovalAfter(0))
				var log bytes.Buffer
				var first, failing string
				var err error
				func() {
					defer func() { require.Equal(t, test.err == nil, recover() != nil) }()
					err = server.Client(apitest.JSONLogger(&log), intercept(func(req *http.Request) (*http.Response, error) {
						if failing != "" && strings.Contains(req.URL.Path, failing) {
							return test.fail(req)
						}
						return pass()
					})).AccessRequests.During(t.Context(), twoRequests(), func(_ context.Context, grant *apono.Grant) error {
						first = grant.IDs()[0]
						failing = first
						return test.use()
					})
				}()
				require.Equal(t, "ACTIVE REVOKED", statuses(t, server), "the other request must be revoked")
				require.Len(t, server.Requests("AccessRequests.Revoke"), 1)
				if test.err == nil {
					require.Contains(t, log.String(), `"level":"ERROR","msg":"apono access may remain","requests":["`+first+`"]`)
					return
				}
				require.NotContains(t, log.String(), "may remain")
				require.ErrorIs(t, err, test.err)
				require.Equal(t, test.use() != nil, errors.Is(err, errUse))
				left := apitest.ErrorAs[*apono.RevokeError](t, err)
				require.Equal(t, []string{first}, left.IDs)
				require.False(t, left.MaybeRequested)
				require.EqualError(t, err, strings.ReplaceAll(test.text, "ID", first))
			})
		})
	}
}

func TestDuringStopsRevokingAfterTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(0))
		var ended time.Time
		err := server.Client(apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
				if !ended.IsZero() {
					return nil, apitest.ErrReset
				}
				return next.RoundTrip(req)
			})
		})).AccessRequests.During(t.Context(), twoRequests(), func(context.Context, *apono.Grant) error {
			time.Sleep(500 * time.Millisecond) // between two polls
			ended = time.Now()
			return nil
		})
		require.Len(t, apitest.ErrorAs[*apono.RevokeError](t, err).IDs, 2)
		require.GreaterOrEqual(t, time.Since(ended), 29*time.Second)
		require.LessOrEqual(t, time.Since(ended), 30*time.Second)
		require.Equal(t, "ACTIVE ACTIVE", statuses(t, server))
	})
}

// A request may exist although the response to Create was lost.
func TestDuringReportsLostResponseToCreate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault aponotest.Fault
		maybe bool
	}{
		"the response is lost": {aponotest.Fault{Break: aponotest.ResponseLost}, true},
		"504":                  {aponotest.Fault{Status: 504}, true},
		"HTML":                 {aponotest.Fault{Status: 200, Body: html}, true},
		"an empty list":        {aponotest.Fault{Status: 200, Body: `[]`}, true},
		"an object":            {aponotest.Fault{Status: 200, Body: `{"id":"r"}`}, true},
		"no id":                {aponotest.Fault{Status: 200, Body: `[{"status":"PENDING"}]`}, true},
		"too slow":             {aponotest.Fault{Latency: time.Hour}, true},
		"rejected":             {aponotest.Fault{Status: 422}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t)
				server.FaultNext("AccessRequests.Create", 1, test.fault)
				started := time.Now()
				err := server.Client().AccessRequests.During(t.Context(), twoRequests(), func(context.Context, *apono.Grant) error {
					assert.Fail(t, "use must not be called")
					return nil
				})
				require.Error(t, err)
				require.LessOrEqual(t, time.Since(started), 30*time.Second)
				require.Len(t, server.Requests("AccessRequests.Create"), 1)
				if left := (*apono.RevokeError)(nil); errors.As(err, &left) {
					require.True(t, left.MaybeRequested)
					require.Empty(t, left.IDs)
					require.ErrorContains(t, err, "apono: access may remain: look for requests without a known ID: POST /api/user/v4/access-requests")
				}
				require.Equal(t, test.maybe, errors.As(err, new(*apono.RevokeError)))
			})
		})
	}
}

// A response that cannot be decoded may still contain ids of created requests.
func TestDuringRevokesIDsInUndecodableResponse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		response string
		maybe    bool
	}{
		"another type":         {`[{"id":"r1","creation_date":"never"},{"id":"r2"}]`, false},
		"an item that is null": {`[{"id":"r1"},null,{"id":"r2"}]`, true},
		"cut short":            {`[{"id":"r1"},{"id":"r2"},{"id":"r`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, script.Response{Body: test.response}, script.Response{Body: `{"message":"ok"}`}, script.Response{Body: `{"message":"ok"}`})
				err := apitest.NewClient(t, fake).AccessRequests.During(t.Context(), twoRequests(), useNothing)
				require.ErrorAs(t, err, new(*apono.DecodeError))
				require.Equal(t, test.maybe, errors.As(err, new(*apono.RevokeError)))
				sent := fake.Requests()[1:]
				slices.SortFunc(sent, func(a, b script.Request) int { return cmp.Compare(a.Path, b.Path) })
				apitest.Sent(t, sent[0], "POST", "/api/user/v4/access-requests/r1/revoke", "", "")
				apitest.Sent(t, sent[1], "POST", "/api/user/v4/access-requests/r2/revoke", "", "")
			})
		})
	}
}

// A panic in OnPoll must reach the caller's goroutine after the revocation.
func TestDuringPanicsWhenOnPollPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(0))
		using := false
		defer func() {
			require.Equal(t, "panic of OnPoll", recover())
			require.Equal(t, "REVOKED REVOKED", statuses(t, server))
		}()
		_ = server.Client().AccessRequests.During(t.Context(), twoRequests(), func(ctx context.Context, _ *apono.Grant) error {
			using = true
			<-ctx.Done()
			return ctx.Err()
		}, apono.AcquireOptions{Wait: apono.WaitOptions{OnPoll: func(apono.Poll) {
			if using {
				panic("panic of OnPoll")
			}
		}}})
	})
}

func TestRevokeErrorTexts(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*apono.RevokeError{
		"apono: access may remain":                                                              {},
		"apono: access may remain: revoke the requests a, b: no network":                        {IDs: []string{"a", "b"}, Err: errors.New("apono: no\nnetwork")},
		"apono: access may remain: look for requests without a known ID":                        {MaybeRequested: true},
		"apono: access may remain: revoke the requests a: look for requests without a known ID": {IDs: []string{"a"}, MaybeRequested: true},
	} {
		require.EqualError(t, err, want)
		require.Equal(t, err.Err, errors.Unwrap(err))
	}
}

// safeBuffer is a log that is read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// A function that ignores the end of its context does not keep the access. During still
// returns after it.
func TestDuringRevokesWhileUseOverstays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ends func(server *aponotest.Server, cancel func())
		fail bool // the first revocation
	}{
		"the context ends": {func(_ *aponotest.Server, cancel func()) { cancel() }, false},
		"the access ends": {func(s *aponotest.Server, _ func()) {
			_, _ = s.Client().AccessRequests.Revoke(context.Background(), "00000001-0000-4000-8000-000000000001")
		}, false},
		"the revocation fails": {func(_ *aponotest.Server, cancel func()) { cancel() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t, aponotest.WithApprovalAfter(0))
				ctx, cancel := context.WithCancel(t.Context())
				var log safeBuffer
				started := time.Now()
				err := server.Client(apitest.JSONLogger(&log), intercept(func(req *http.Request) (*http.Response, error) {
					if isRevocation(req) && test.fail && time.Since(started) < 20*time.Minute {
						return responds(403, `{"message": "not now"}`)
					}
					return pass()
				})).AccessRequests.During(ctx, twoRequests(), func(ctx context.Context, _ *apono.Grant) error {
					time.Sleep(time.Minute)
					test.ends(server, cancel)
					<-ctx.Done()
					time.Sleep(9 * time.Second)
					assert.Contains(t, statuses(t, server), "ACTIVE")
					assert.NotContains(t, log.String(), "ERROR")
					time.Sleep(2 * time.Second)
					assert.Equal(t, test.fail, statuses(t, server) == "ACTIVE ACTIVE")
					assert.Contains(t, log.String(), `"level":"ERROR","msg":"apono access is revoked while it is in use"`)
					time.Sleep(time.Hour)
					return errUse
				})
				require.ErrorIs(t, err, errUse)
				require.NotErrorAs(t, err, new(*apono.RevokeError))
				require.GreaterOrEqual(t, time.Since(started), time.Hour)
				require.Equal(t, "REVOKED REVOKED", statuses(t, server))
				require.Len(t, server.Requests("AccessRequests.Revoke"), 2, "this counts as the one revocation")
			})
		})
	}
}

// A function that returns within ten seconds is not reported.
func TestDuringDoesNotReportUseThatReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(0))
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		err := server.Client(apitest.JSONLogger(&log)).AccessRequests.During(ctx, twoRequests(), func(context.Context, *apono.Grant) error {
			cancel()
			time.Sleep(9 * time.Second)
			return nil
		})
		require.NoError(t, err)
		require.NotContains(t, log.String(), "ERROR")
		require.Equal(t, "REVOKED REVOKED", statuses(t, server))
	})
}
