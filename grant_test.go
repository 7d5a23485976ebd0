package apono_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// intercept is middleware that may respond itself.
func intercept(respond func(*http.Request) (*http.Response, error)) apono.Option {
	return apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
			if resp, err := respond(req); resp != nil || err != nil {
				return resp, err
			}
			return next.RoundTrip(req)
		})
	})
}

func pass() (*http.Response, error) { return nil, nil }

func responds(status int, body string) (*http.Response, error) {
	return script.New(new(testing.T), script.Response{Status: status, Body: body}).RoundTrip(httpRequest)
}

var httpRequest, _ = http.NewRequestWithContext(context.Background(), http.MethodGet, "https://apono.test/", nil)

func isRevocation(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/revoke") }

// requests adds requests with an integration each, and returns their IDs.
func requests(server *aponotest.Server, statuses ...apono.AccessRequestStatus) []string {
	var ids []string
	for i, status := range statuses {
		id := fmt.Sprintf("r%d", i+1)
		in := apono.Ref{ID: "i" + id, Name: "integration of " + id}
		server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: id, Status: status, AccessGroups: []apono.AccessGroup{{Integration: in}}})
		ids = append(ids, id)
	}
	return ids
}

// session returns a session of a request that requests added.
func session(id, request string, status apono.CredentialsStatus) apono.AccessSession {
	return apono.AccessSession{ID: id, RequestIDs: []string{request}, Integration: apono.Ref{ID: "i" + request}, CredentialsStatus: status}
}

// operations returns the names of the operations that the server has received.
func operations(server *aponotest.Server) string {
	var names []string
	for _, request := range server.Requests() {
		names = append(names, request.Operation)
	}
	return strings.Join(names, " ")
}

func TestAcquireWaitsUntilAllAreGranted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t, aponotest.WithApprovalAfter(time.Hour), aponotest.WithProvisioningTime(time.Minute))
		var created []string
		var polled []string
		started := time.Now()
		grant, err := server.Client().AccessRequests.Acquire(t.Context(), twoRequests(), apono.AcquireOptions{
			Wait: apono.WaitOptions{OnPoll: func(p apono.Poll) {
				assert.Equal(t, p.ID, p.Request.ID)
				polled = append(polled, p.ID)
			}},
			OnCreated: func(ids []string) error {
				assert.Equal(t, "AccessRequests.Create", operations(server), "the IDs are told before the first poll")
				created = slices.Clone(ids)
				ids[0] = "changed"
				return nil
			},
		})
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(started), 61*time.Minute)
		require.Len(t, created, 2)
		require.Equal(t, created, grant.IDs())
		for i, request := range grant.Requests() {
			require.Equal(t, created[i], request.ID)
			require.True(t, request.Status.Granted())
			require.Contains(t, polled, request.ID)
		}
		require.Equal(t, "ACTIVE ACTIVE", statuses(t, server))
		grant.IDs()[0], grant.Requests()[0] = "", nil
		require.Equal(t, created, grant.IDs())
		require.NotNil(t, grant.Requests()[0])
		require.Empty(t, server.Requests("AccessRequests.Revoke"))
	})
}

// Whatever ends Acquire, what it created is revoked, except what has ended.
func TestAcquireRevokesWhenItFails(t *testing.T) {
	t.Parallel()
	errSave := errors.New("the disk is full")
	for name, test := range map[string]struct {
		happens   func(server *aponotest.Server, ids []string, cancel func())
		onCreated func([]string) error
		panics    string // or exits
		err       error
		left      string
	}{
		"one is rejected":  {happens: func(s *aponotest.Server, ids []string, _ func()) { s.Reject(ids[1]) }, err: apono.ErrRequestRejected, left: "REVOKED REJECTED"},
		"the context ends": {happens: func(_ *aponotest.Server, _ []string, cancel func()) { cancel() }, err: context.Canceled, left: "REVOKED REVOKED"},
		"one fails": {happens: func(s *aponotest.Server, ids []string, _ func()) {
			s.Put(aponotest.AccessRequests, apono.AccessRequest{ID: ids[0], Status: "FAILED"})
		}, err: apono.ErrRequestFailed, left: "REVOKED REVOKED"},
		"OnCreated fails":  {onCreated: func([]string) error { return errSave }, err: errSave, left: "REVOKED REVOKED"},
		"OnCreated panics": {onCreated: func([]string) error { panic("a bug") }, panics: "a bug", left: "REVOKED REVOKED"},
		"OnCreated exits": {onCreated: func([]string) error {
			runtime.Goexit()
			return nil
		}, panics: "exited", left: "REVOKED REVOKED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.happens != nil {
					time.AfterFunc(time.Minute, func() { test.happens(server, pendingRequests(t, server), cancel) })
				}
				var err error
				ended := any("exited")
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() {
						if panicked := recover(); panicked != nil {
							ended = panicked
						}
					}()
					var grant *apono.Grant
					grant, err = server.Client().AccessRequests.Acquire(ctx, twoRequests(), apono.AcquireOptions{OnCreated: test.onCreated})
					assert.Nil(t, grant)
					ended = ""
				}()
				<-done
				require.Equal(t, test.panics, ended)
				require.ErrorIs(t, err, test.err)
				require.NotErrorAs(t, err, new(*apono.RevokeError))
				require.Equal(t, test.left, statuses(t, server))
			})
		})
	}
}

// The IDs of a response that can only be read in part are told, and revoked.
func TestAcquireTellsIDsOfUnreadableResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		errSave := errors.New("the disk is full")
		accepted := script.Response{Body: `{"message": "ok"}`}
		fake := script.New(t, script.Response{Body: `[{"id": "r1"}, {"id": "r2"}, {"id": "r`}, accepted, accepted)
		var created []string
		_, err := apitest.NewClient(t, fake).AccessRequests.Acquire(t.Context(), twoRequests(), apono.AcquireOptions{OnCreated: func(ids []string) error {
			assert.Len(t, fake.Requests(), 1)
			created = ids
			return errSave
		}})
		require.Equal(t, []string{"r1", "r2"}, created)
		require.ErrorAs(t, err, new(*apono.DecodeError))
		require.ErrorIs(t, err, errSave)
		left := apitest.ErrorAs[*apono.RevokeError](t, err)
		require.True(t, left.MaybeRequested)
		require.Empty(t, left.IDs)
	})
}

// A request that the server creates after the response was given up has no known ID.
func TestAcquireReportsLateCreation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		started := time.Now()
		late := make(chan struct{})
		client := server.Client(intercept(func(req *http.Request) (*http.Response, error) {
			if req.Method != http.MethodPost {
				return pass()
			}
			<-req.Context().Done()
			go func() {
				defer close(late)
				time.Sleep(time.Minute)
				_, _ = server.Client().AccessRequests.Create(context.WithoutCancel(req.Context()), twoRequests())
			}()
			return nil, req.Context().Err()
		}))
		_, err := client.AccessRequests.Acquire(t.Context(), twoRequests(), apono.AcquireOptions{OnCreated: func([]string) error {
			assert.Fail(t, "no ID is known")
			return nil
		}})
		require.Equal(t, 30*time.Second, time.Since(started))
		left := apitest.ErrorAs[*apono.RevokeError](t, err)
		require.True(t, left.MaybeRequested)
		require.Empty(t, left.IDs)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		<-late
		require.Equal(t, "PENDING PENDING", statuses(t, server))
	})
}

// A request may have been created when middleware panics.
func TestAcquireLogsRequestsAfterPanicInCreate(t *testing.T) {
	t.Parallel()
	server := tenant(t)
	var log bytes.Buffer
	client := server.Client(apitest.JSONLogger(&log), intercept(func(*http.Request) (*http.Response, error) { panic("a bug") }))
	require.PanicsWithValue(t, "a bug", func() { _, _ = client.AccessRequests.Acquire(t.Context(), twoRequests()) })
	require.Contains(t, log.String(), `look for requests without a known ID`)
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "PENDING", "ACTIVE", "PENDING")
		time.AfterFunc(time.Minute, func() { server.Approve("r1") })
		time.AfterFunc(time.Hour, func() { server.Approve("r3") })
		polled := map[string]int{}
		started := time.Now()
		grant, err := server.Client().AccessRequests.Adopt(t.Context(), append(ids, "r2", "r1"), apono.WaitOptions{OnPoll: func(p apono.Poll) { polled[p.ID]++ }})
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(started), time.Hour)
		require.Equal(t, ids, grant.IDs())
		require.Len(t, grant.Requests(), 3)
		require.Len(t, polled, 3)
		require.Equal(t, 1, polled["r2"], "what is granted is not polled again")
		require.NotContains(t, operations(server), "AccessRequests.Create")
		require.NotContains(t, operations(server), "AccessRequests.Revoke")
	})
}

// The error names the request. The others stay.
func TestAdoptEndsWithTheFirstThatIsNotGranted(t *testing.T) {
	t.Parallel()
	for status, want := range map[apono.AccessRequestStatus]error{
		"REJECTED": apono.ErrRequestRejected, "FAILED": apono.ErrRequestFailed, "REVOKED": apono.ErrRequestRevoked, "REVOKING": apono.ErrRequestRevoked, "EXPIRED": apono.ErrRequestRevoked,
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t)
				ids := requests(server, "ACTIVE", "PENDING", status, "PENDING")
				grant, err := server.Client().AccessRequests.Adopt(t.Context(), ids)
				require.Nil(t, grant)
				require.ErrorIs(t, err, want)
				ended := apitest.ErrorAs[*apono.WaitError](t, err)
				require.Equal(t, "r3", ended.ID)
				require.Equal(t, status, ended.Request.Status)
				require.EqualError(t, err, "apono: waiting for access request r3: "+want.Error()+"; its last status was "+string(status))
				require.NotErrorAs(t, err, new(*apono.RevokeError))
				require.Equal(t, "AccessRequests.Get AccessRequests.Get AccessRequests.Get", operations(server))
			})
		})
	}
}

func TestAdoptWithoutIDs(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t))
	_, err := client.AccessRequests.Adopt(t.Context(), nil)
	require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), "apono: argument ids: must not be empty")
	_, err = client.AccessRequests.Adopt(t.Context(), []string{""})
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	var none context.Context
	_, err = client.AccessRequests.Adopt(none, []string{"r1"})
	require.ErrorAs(t, err, new(*apono.ArgumentError))
}

// A request may be unknown to the server for a moment after it was created.
func TestAdoptWaitsForCreatedRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		time.AfterFunc(5*time.Second, func() { requests(server, "ACTIVE") })
		_, err := server.Client().AccessRequests.Adopt(t.Context(), []string{"r1"})
		require.NoError(t, err)
		started := time.Now()
		_, err = server.Client().AccessRequests.Adopt(t.Context(), []string{"r2"})
		require.ErrorIs(t, err, apono.ErrNotFound)
		require.GreaterOrEqual(t, time.Since(started), 10*time.Second)
	})
}

func TestEnsureRevokedInEveryState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "PENDING", "ACTIVE", "REJECTED", "FAILED", "REVOKED", "EXPIRED")
		// This API rejects what is not pending, active or failed.
		client := server.Client(intercept(func(req *http.Request) (*http.Response, error) {
			if isRevocation(req) && (strings.Contains(req.URL.Path, "/r3/") || strings.Contains(req.URL.Path, "/r5/") || strings.Contains(req.URL.Path, "/r6/")) {
				return responds(409, `{"message": "not active"}`)
			}
			return pass()
		}))
		started := time.Now()
		require.NoError(t, client.AccessRequests.EnsureRevoked(t.Context(), append(ids, "r1")...))
		require.Less(t, time.Since(started), time.Second)
		require.Equal(t, "REVOKED REVOKED REJECTED REVOKED REVOKED EXPIRED", statuses(t, server))
		require.Len(t, server.Requests("AccessRequests.Revoke"), 3)
		require.NoError(t, client.AccessRequests.EnsureRevoked(t.Context()))
	})
}

// The others are revoked. A request that does not exist fails at once.
func TestEnsureRevokedContinuesAfterFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "ACTIVE", "ACTIVE")
		started := time.Now()
		err := server.Client().AccessRequests.EnsureRevoked(t.Context(), "unknown", ids[0], "", ids[1])
		require.Less(t, time.Since(started), time.Second)
		require.ErrorIs(t, err, apono.ErrNotFound)
		require.ErrorAs(t, err, new(*apono.ArgumentError))
		require.Equal(t, []string{"", "unknown"}, apitest.ErrorAs[*apono.RevokeError](t, err).IDs)
		require.Equal(t, "REVOKED REVOKED", statuses(t, server))
		var none context.Context
		require.ErrorAs(t, server.Client().AccessRequests.EnsureRevoked(none, "r1"), new(*apono.ArgumentError))
	})
}

// What stands between the client and the API for most of the time does not end a
// revocation, and the last call is made at the end of the time.
func TestEnsureRevokedSurvivesOutage(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*http.Request) (*http.Response, error){
		"connection refused": func(*http.Request) (*http.Response, error) { return nil, apitest.ErrConnectionRefused },
		"connection reset":   func(*http.Request) (*http.Response, error) { return nil, apitest.ErrReset },
		"silence": func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		},
		"503":      func(*http.Request) (*http.Response, error) { return responds(503, "") },
		"HTML 403": func(*http.Request) (*http.Response, error) { return responds(403, html) },
		"HTML 404": func(*http.Request) (*http.Response, error) { return responds(404, html) },
		"HTML 200": func(*http.Request) (*http.Response, error) { return responds(200, html) },
	} {
		for _, down := range []time.Duration{20 * time.Second, 24 * time.Second, 29 * time.Second, time.Minute} {
			t.Run(fmt.Sprint(name, " ", down), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := tenant(t)
					ids := requests(server, "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE")
					started := time.Now()
					client := server.Client(intercept(func(req *http.Request) (*http.Response, error) {
						if time.Since(started) < down {
							return fail(req)
						}
						return pass()
					}))
					err := client.AccessRequests.EnsureRevoked(t.Context(), ids...)
					require.LessOrEqual(t, time.Since(started), 30*time.Second)
					if down == time.Minute {
						require.Equal(t, ids, apitest.ErrorAs[*apono.RevokeError](t, err).IDs)
						require.GreaterOrEqual(t, time.Since(started), 29*time.Second)
						return
					}
					require.NoError(t, err)
					require.Equal(t, "REVOKED REVOKED REVOKED REVOKED", statuses(t, server))
					if down == 20*time.Second { // a call to a silent server does not take all the time
						require.Less(t, time.Since(started), 25*time.Second)
					}
				})
			})
		}
	}
}

// No revocation is sent while Retry-After asks to wait, except the last.
func TestEnsureRevokedWaitsForRetryAfter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retryAfter string
		at         []time.Duration
	}{
		"short": {"12", []time.Duration{0, 12 * time.Second}},
		"long":  {"120", []time.Duration{0, 29250 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t)
				ids := requests(server, "ACTIVE")
				started := time.Now()
				var sent []time.Duration
				client := server.Client(intercept(func(req *http.Request) (*http.Response, error) {
					if !isRevocation(req) {
						return pass()
					}
					if sent = append(sent, time.Since(started)); len(sent) == 1 {
						return script.New(t, script.Response{Status: 503, Header: map[string]string{"Retry-After": test.retryAfter}}).RoundTrip(req)
					}
					return pass()
				}))
				require.NoError(t, client.AccessRequests.EnsureRevoked(t.Context(), ids...))
				require.Len(t, sent, 2)
				require.GreaterOrEqual(t, sent[1], test.at[1])
				require.LessOrEqual(t, sent[1], test.at[1]+2*time.Second)
				require.LessOrEqual(t, time.Since(started), 30*time.Second)
			})
		})
	}
}

// A process that was asleep past the end makes one more call.
func TestEnsureRevokedAfterSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "ACTIVE")
		started := time.Now()
		client := server.Client(intercept(func(*http.Request) (*http.Response, error) {
			if time.Since(started) == 0 {
				time.Sleep(time.Hour)
				return nil, apitest.ErrReset
			}
			return pass()
		}))
		require.NoError(t, client.AccessRequests.EnsureRevoked(t.Context(), ids...))
		require.Equal(t, "REVOKED", statuses(t, server))
		require.Less(t, time.Since(started), time.Hour+10*time.Second)
	})
}

func TestEnsureRevokedEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "ACTIVE", "ACTIVE")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		started := time.Now()
		client := server.Client(intercept(func(*http.Request) (*http.Response, error) { return nil, apitest.ErrReset }))
		err := client.AccessRequests.EnsureRevoked(ctx, ids...)
		require.LessOrEqual(t, time.Since(started), 5*time.Second)
		require.Equal(t, ids, apitest.ErrorAs[*apono.RevokeError](t, err).IDs)
	})
}

// The error has the failure of the revocation, and that of the read that the context ended.
func TestEnsureRevokedHasErrorOfContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "ACTIVE")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		client := server.Client(intercept(func(req *http.Request) (*http.Response, error) {
			if isRevocation(req) {
				return nil, apitest.ErrReset
			}
			<-req.Context().Done()
			return nil, req.Context().Err()
		}))
		err := client.AccessRequests.EnsureRevoked(ctx, ids...)
		require.ErrorIs(t, err, apitest.ErrReset)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// Part of a failed request may have been granted, so only a rejected revocation is taken
// for the end.
func TestEnsureRevokedOfFailedRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "FAILED")
		server.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 502})
		require.NoError(t, server.Client().AccessRequests.EnsureRevoked(t.Context(), ids...))
		require.Equal(t, "REVOKED", statuses(t, server))
		ids = requests(server, "FAILED")
		server.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Status: 409, Body: "{}"})
		require.NoError(t, server.Client().AccessRequests.EnsureRevoked(t.Context(), ids...))
		require.Len(t, server.Requests("AccessRequests.Revoke"), 3)
	})
}

func adopted(t *testing.T, server *aponotest.Server, n int, opts ...apono.Option) *apono.Grant {
	t.Helper()
	ids := requests(server, slices.Repeat([]apono.AccessRequestStatus{"ACTIVE"}, n)...)
	grant, err := server.Client(opts...).AccessRequests.Adopt(t.Context(), ids)
	require.NoError(t, err)
	return grant
}

// Revoke works after an interrupt. What is revoked is not revoked again.
func TestGrantRevoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		var fails atomic.Bool
		fails.Store(true)
		grant := adopted(t, server, 3, intercept(func(req *http.Request) (*http.Response, error) {
			if isRevocation(req) && strings.Contains(req.URL.Path, "/r2/") && fails.Load() {
				return responds(403, `{"message": "not yours"}`)
			}
			return pass()
		}))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := grant.Revoke(ctx)
		require.ErrorIs(t, err, apono.ErrForbidden)
		require.Equal(t, []string{"r2"}, apitest.ErrorAs[*apono.RevokeError](t, err).IDs)
		require.Equal(t, "REVOKED ACTIVE REVOKED", statuses(t, server))
		require.Len(t, server.Requests("AccessRequests.Revoke"), 2)
		fails.Store(false)
		require.NoError(t, grant.Revoke(ctx))
		require.Equal(t, "REVOKED REVOKED REVOKED", statuses(t, server))
		require.NoError(t, grant.Revoke(ctx))
		require.Len(t, server.Requests("AccessRequests.Revoke"), 3, "only what failed is revoked again")
		var none context.Context
		require.ErrorAs(t, grant.Revoke(none), new(*apono.ArgumentError))
	})
}

func TestGrantRevokeConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		grant := adopted(t, server, 2)
		server.FaultNext("AccessRequests.Revoke", 2, aponotest.Fault{Latency: 5 * time.Second})
		started := time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { assert.NoError(t, grant.Revoke(t.Context())) })
		}
		all.Wait()
		require.Equal(t, 5*time.Second, time.Since(started), "requests are revoked at once, not in turn")
		require.Len(t, server.Requests("AccessRequests.Revoke"), 2)
	})
}

// The access of a created request is known to exist, though the server may not find it yet.
func TestGrantRevokeOfRequestThatIsNotFoundYet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		grant := adopted(t, server, 1)
		server.FaultNext("AccessRequests.Revoke", 3, aponotest.Fault{Status: 404, Body: "{}"})
		server.FaultNext("AccessRequests.Get", 4, aponotest.Fault{Status: 404, Body: "{}"})
		require.NoError(t, grant.Revoke(t.Context()))
		require.Equal(t, "REVOKED", statuses(t, server))
	})
}

// Middleware that panics or ends its goroutine during one of two revocations does not
// keep the other from being sent.
func TestRevocationsContinueAfterPanic(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"panic": func() { panic("a bug") }, "exit": runtime.Goexit} {
		for which, revoke := range map[string]func(*apono.Client, *apono.Grant) error{
			"Revoke": func(_ *apono.Client, g *apono.Grant) error { return g.Revoke(context.Background()) },
			"EnsureRevoked": func(c *apono.Client, g *apono.Grant) error {
				return c.AccessRequests.EnsureRevoked(context.Background(), g.IDs()...)
			},
		} {
			t.Run(which+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := tenant(t)
					var log bytes.Buffer
					opts := []apono.Option{apitest.JSONLogger(&log), intercept(func(req *http.Request) (*http.Response, error) {
						if isRevocation(req) && strings.Contains(req.URL.Path, "/r1/") {
							end()
						}
						return pass()
					})}
					grant := adopted(t, server, 2, opts...)
					returned := false
					var panicked any
					done := make(chan struct{})
					go func() {
						defer close(done)
						defer func() { panicked = recover() }()
						_ = revoke(server.Client(opts...), grant)
						returned = true
					}()
					<-done
					require.False(t, returned)
					require.Equal(t, name == "panic", panicked == "a bug")
					require.Equal(t, "ACTIVE REVOKED", statuses(t, server))
					require.Contains(t, log.String(), `"level":"ERROR","msg":"apono access may remain","requests":["r1"]`)
				})
			})
		}
	}
}

// A grant that an administrator revokes while it is held ends Watch, whatever polls fail
// before.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		grant := adopted(t, server, 2)
		time.AfterFunc(time.Minute, func() {
			for _, status := range []int{401, 403, 404, 503} {
				server.FaultNext("AccessRequests.Get", 2, aponotest.Fault{Status: status, Body: `{"message": "no"}`})
			}
			server.FaultNext("AccessRequests.Get", 2, aponotest.Fault{Break: aponotest.RequestLost})
		})
		time.AfterFunc(10*time.Minute, func() { _, _ = server.Client().AccessRequests.Revoke(context.Background(), "r2") })
		time.AfterFunc(5*time.Minute, func() {
			server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r1", Status: "ACTIVE", Justification: new("extended")})
		})
		started := time.Now()
		err := grant.Watch(t.Context())
		require.ErrorIs(t, err, apono.ErrRequestRevoked)
		require.Equal(t, "r2", apitest.ErrorAs[*apono.WaitError](t, err).ID)
		require.GreaterOrEqual(t, time.Since(started), 10*time.Minute)
		require.LessOrEqual(t, time.Since(started), 11*time.Minute)
		require.Equal(t, "extended", *grant.Requests()[0].Justification)
		require.True(t, grant.Requests()[1].Status.Revoked())
		require.NoError(t, grant.Revoke(t.Context()))
		require.Len(t, server.Requests("AccessRequests.Revoke"), 2, "what has ended is not revoked again")
	})
}

func TestWatchEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		grant := adopted(t, tenant(t), 1)
		why := errors.New("the user left")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Hour, func() { cancel(why) })
		started := time.Now()
		err := grant.Watch(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, why)
		require.ErrorAs(t, err, new(*apono.WaitError))
		require.Equal(t, time.Hour, time.Since(started))
		require.ErrorIs(t, grant.Watch(ctx), why)
		var none context.Context
		require.ErrorAs(t, grant.Watch(none), new(*apono.ArgumentError))
	})
}

func sessionIDs(sessions []*apono.AccessSession) string {
	var ids []string
	for _, session := range sessions {
		ids = append(ids, session.ID)
	}
	return strings.Join(ids, " ")
}

func TestGrantSessions(t *testing.T) {
	t.Parallel()
	put := func(server *aponotest.Server, sessions ...apono.AccessSession) {
		for _, s := range sessions {
			server.Put(aponotest.Sessions, s)
		}
	}
	for name, test := range map[string]struct {
		opts    []apono.Option
		prepare func(*aponotest.Server)
		limit   time.Duration // of the context
		took    time.Duration // at least; at most 15 s more
		want    string
		missing []string
		err     error
	}{
		"there": {prepare: func(s *aponotest.Server) { put(s, session("s1", "r1", "AVAILABLE"), session("s2", "r2", "VIEWED")) }, want: "s1 s2"},
		"late": {prepare: func(s *aponotest.Server) {
			put(s, session("s1", "r1", "AVAILABLE"))
			time.AfterFunc(10*time.Second, func() { put(s, session("s2", "r2", "NOT_APPLICABLE")) })
		}, took: 10 * time.Second, want: "s1 s2"},
		"resetting": {prepare: func(s *aponotest.Server) {
			put(s, session("s1", "r1", "AVAILABLE"), session("s2", "r2", "Resetting"))
			time.AfterFunc(10*time.Second, func() { put(s, session("s2", "r2", "AVAILABLE")) })
		}, took: 10 * time.Second, want: "s1 s2"},
		"one of two is resetting": {prepare: func(s *aponotest.Server) {
			put(s, session("s1", "r1", "AVAILABLE"), session("s2", "r2", "RESETTING"), session("s3", "r2", "AVAILABLE"))
		}, want: "s1 s2 s3"},
		"of two requests": {prepare: func(s *aponotest.Server) {
			both := session("s1", "r1", "AVAILABLE")
			both.RequestIDs = []string{"r2", "r1"}
			put(s, both, session("s2", "r2", "AVAILABLE"))
		}, want: "s1 s2"},
		"foreign": {
			opts: []apono.Option{apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) { // a server that ignores its filter
					req = req.Clone(req.Context())
					req.URL.RawQuery = ""
					return next.RoundTrip(req)
				})
			})},
			prepare: func(s *aponotest.Server) {
				put(s, session("s0", "r9", "AVAILABLE"), session("s1", "r1", "AVAILABLE"), session("s2", "r2", "AVAILABLE"))
			}, want: "s1 s2",
		},
		"another integration": {prepare: func(s *aponotest.Server) {
			other := session("s2", "r2", "AVAILABLE")
			other.Integration.ID = "other"
			put(s, session("s1", "r1", "AVAILABLE"), other)
		}, took: 30 * time.Second, want: "s1 s2", missing: []string{"r2 integration of r2"}, err: context.DeadlineExceeded},
		"without access_groups": {prepare: func(s *aponotest.Server) {
			s.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r2", Status: "ACTIVE"})
			put(s, session("s1", "r1", "AVAILABLE"))
			time.AfterFunc(10*time.Second, func() { put(s, session("s2", "r2", "AVAILABLE")) })
		}, took: 10 * time.Second, want: "s1 s2"},
		"never": {took: 30 * time.Second, missing: []string{"r1 integration of r1", "r2 integration of r2"}, err: context.DeadlineExceeded},
		"a longer deadline": {prepare: func(s *aponotest.Server) {
			put(s, session("s1", "r1", "AVAILABLE"))
			time.AfterFunc(time.Minute, func() { put(s, session("s2", "r2", "AVAILABLE")) })
		}, limit: time.Hour, took: time.Minute, want: "s1 s2"},
		"a shorter deadline": {limit: 5 * time.Second, took: 5 * time.Second, missing: []string{"r1 integration of r1", "r2 integration of r2"}, err: context.DeadlineExceeded},
		"through 503s": {prepare: func(s *aponotest.Server) {
			put(s, session("s1", "r1", "AVAILABLE"), session("s2", "r2", "AVAILABLE"))
			s.FaultNext("Sessions.List", 7, aponotest.Fault{Status: 503})
		}, took: 2 * time.Second, want: "s1 s2"},
		"revoked meanwhile": {prepare: func(s *aponotest.Server) {
			put(s, session("s1", "r1", "AVAILABLE"))
			time.AfterFunc(10*time.Second, func() { _, _ = s.Client().AccessRequests.Revoke(context.Background(), "r2") })
		}, took: 10 * time.Second, want: "s1", missing: []string{"r2 integration of r2"}, err: apono.ErrRequestRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := tenant(t)
				grant := adopted(t, server, 2, test.opts...)
				if test.prepare != nil {
					test.prepare(server)
				}
				ctx := t.Context()
				if test.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, test.limit)
					defer cancel()
					ctx = limited
				}
				started := time.Now()
				got, err := grant.Sessions(ctx)
				require.GreaterOrEqual(t, time.Since(started), test.took)
				require.LessOrEqual(t, time.Since(started), test.took+15*time.Second)
				require.Equal(t, test.want, sessionIDs(got))
				require.NotContains(t, operations(server), "Sessions.GetAccessDetails")
				if test.err == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, test.err)
				ended := apitest.ErrorAs[*apono.WaitError](t, err)
				var missing []string
				for _, m := range ended.Missing {
					missing = append(missing, m.RequestID+" "+m.Integration.Name)
					require.ErrorContains(t, err, "of request "+m.RequestID+" in "+m.Integration.Name)
				}
				require.Equal(t, test.missing, missing)
			})
		})
	}
}

// Each poll names its request and what it misses.
func TestGrantSessionsPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "ACTIVE", "ACTIVE")
		var polls []string
		grant, err := server.Client().AccessRequests.Adopt(t.Context(), ids, apono.WaitOptions{OnPoll: func(p apono.Poll) {
			text := p.ID
			if p.Err != nil {
				assert.Nil(t, p.Request)
				text += " failed"
			}
			for _, m := range p.Missing {
				assert.Equal(t, p.ID, m.RequestID)
				text += " lacks " + m.Integration.ID
			}
			polls = append(polls, text)
		}})
		require.NoError(t, err)
		server.Put(aponotest.Sessions, session("s1", "r1", "AVAILABLE"))
		server.FaultNext("Sessions.List", 3, aponotest.Fault{Status: 503})
		time.AfterFunc(8*time.Second, func() { server.Put(aponotest.Sessions, session("s2", "r2", "AVAILABLE")) })
		_, err = grant.Sessions(t.Context())
		require.NoError(t, err)
		require.Equal(t, "r1, r2, r1 failed, r2 lacks ir2, r1, r2 lacks ir2", strings.Join(polls[:6], ", "))
		require.Equal(t, "r1, r2", strings.Join(polls[len(polls)-2:], ", "))
		var none context.Context
		_, err = grant.Sessions(none)
		require.ErrorAs(t, err, new(*apono.ArgumentError))
	})
}

// A Grant shows its IDs and nothing else, and does not panic when it is nil.
func TestGrantPrintsIDs(t *testing.T) {
	t.Parallel()
	server := tenant(t)
	ids := requests(server, "ACTIVE", "ACTIVE")
	server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r1", Status: "ACTIVE", Justification: new("hunter2")})
	grant, err := server.Client().AccessRequests.Adopt(t.Context(), ids)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "[r1 r2]", fmt.Sprintf(verb, grant))
		require.Equal(t, "{G:[r1 r2]}", strings.ReplaceAll(fmt.Sprintf("%+v", struct{ G *apono.Grant }{grant}), "\n", ""))
	}
	require.Equal(t, `"[r1 r2]"`, fmt.Sprintf("%q", grant))
	data, err := json.Marshal(map[string]any{"grant": grant, "none": (*apono.Grant)(nil)})
	require.NoError(t, err)
	require.Equal(t, `{"grant":["r1","r2"],"none":null}`, string(data))
	var text, structured bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&structured, nil)} {
		slog.New(handler).Info("granted", "grant", grant, "none", (*apono.Grant)(nil))
	}
	require.Contains(t, text.String(), `grant="[r1 r2]" none=<nil>`)
	require.Contains(t, structured.String(), `"grant":["r1","r2"],"none":null`)
}

func TestGrantOfReadOnlyClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		grant := adopted(t, server, 1, apono.WithReadOnly())
		server.Put(aponotest.Sessions, session("s1", "r1", "AVAILABLE"))
		sessions, err := grant.Sessions(t.Context())
		require.NoError(t, err)
		require.Len(t, sessions, 1)
		started := time.Now()
		err = grant.Revoke(t.Context())
		require.Equal(t, []string{"r1"}, apitest.ErrorAs[*apono.RevokeError](t, err).IDs)
		require.ErrorIs(t, err, apono.ErrReadOnly)
		require.Less(t, time.Since(started), time.Second)
		time.AfterFunc(time.Minute, func() { _, _ = server.Client().AccessRequests.Revoke(context.Background(), "r1") })
		require.ErrorIs(t, grant.Watch(t.Context()), apono.ErrRequestRevoked)
		_, err = server.Client(apono.WithReadOnly()).AccessRequests.Acquire(t.Context(), twoRequests())
		require.ErrorIs(t, err, apono.ErrReadOnly)
		require.NotErrorAs(t, err, new(*apono.RevokeError))
	})
}

// All methods may be called at the same time. Calls of OnPoll do not overlap.
func TestGrantIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := tenant(t)
		ids := requests(server, "ACTIVE", "ACTIVE")
		polls := 0 // the race detector reports calls that overlap
		grant, err := server.Client().AccessRequests.Adopt(t.Context(), ids, apono.WaitOptions{OnPoll: func(apono.Poll) { polls++ }})
		require.NoError(t, err)
		time.AfterFunc(10*time.Second, func() {
			server.Put(aponotest.Sessions, session("s1", "r1", "AVAILABLE"))
			server.Put(aponotest.Sessions, session("s2", "r2", "AVAILABLE"))
		})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { assert.ErrorIs(t, grant.Watch(t.Context()), apono.ErrRequestRevoked) })
			all.Go(func() {
				_, err := grant.Sessions(t.Context())
				assert.NoError(t, err)
				_, _, _ = grant.IDs(), grant.Requests(), fmt.Sprint(grant)
			})
			all.Go(func() {
				time.Sleep(time.Minute)
				assert.NoError(t, grant.Revoke(t.Context()))
			})
		}
		all.Wait()
		require.Greater(t, polls, 10)
		require.Equal(t, "REVOKED REVOKED", statuses(t, server))
	})
}
