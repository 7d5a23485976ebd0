package aponotest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestStatusIsReturnedWithoutProcessingTheRequest(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	server.FaultNext("Integrations.Delete", 2, aponotest.Fault{Status: 503, Header: http.Header{"retry-after": {"7"}}, Body: `{"message": "later"}`})
	server.FaultNext("Integrations.Delete", 1, aponotest.Fault{Status: 500, Body: "down"})
	once := apono.WithoutRetry(t.Context())
	client := server.Client()
	for _, want := range []int{503, 503, 500} {
		err := apitest.ErrorAs[*apono.APIError](t, client.Integrations.Delete(once, "i0"))
		require.Equal(t, want, err.StatusCode)
		if want == 503 {
			require.Equal(t, "later", err.Message)
			require.EqualValues(t, 7, err.RetryAfter.Seconds())
		}
		_, getErr := client.Integrations.Get(once, "i0")
		require.NoError(t, getErr) // the integration exists, and other operations work
	}
	require.NoError(t, client.Integrations.Delete(once, "i0"))
}

func TestFaultForAnyOperation(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	server.FaultNext("", 1, aponotest.Fault{Status: 418})
	status, _ := sendHTTP(t, server, "GET", "/no/such/path", "")
	require.Equal(t, 418, status)
	status, _ = sendHTTP(t, server, "GET", "/no/such/path", "")
	require.Equal(t, 404, status)
}

const faultGroupsPath = "/api/admin/v1/groups"

// faultServer returns a server with an integration and a session with access details.
func faultServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := serverWith(t, 1, opts...)
	server.Put(aponotest.Sessions, json.RawMessage(sessionJSON("s1", "i0", "AVAILABLE", "ar1")))
	server.Put(aponotest.DetailsOf("s1"), json.RawMessage(`{"instructions": "log in"}`))
	return server
}

// faultModes are the two ways to connect to a server.
var faultModes = map[string][]aponotest.Option{"network": nil, "no network": {aponotest.WithoutNetwork()}}

// faultState describes how the operations of these tests changed the server's state.
func faultState(t *testing.T, server *aponotest.Server) string {
	t.Helper()
	var state []string
	var groups struct {
		Items []json.RawMessage `json:"items"`
	}
	lifecycleRead(t, server, faultGroupsPath, &groups)
	if n := len(groups.Items); n > 0 {
		state = append(state, fmt.Sprintf("%d created", n))
	}
	var integration apono.Integration
	switch {
	case !server.Get(aponotest.Integrations, "i0", &integration):
		state = append(state, "deleted")
	case integration.Name != "Name-0":
		state = append(state, "renamed")
	}
	var session apono.AccessSession
	if server.Get(aponotest.Sessions, "s1", &session) && session.CredentialsStatus != "AVAILABLE" {
		state = append(state, "viewed")
	}
	return strings.Join(state, ", ")
}

// faultCalls are operations of each kind: those that may be retried, those that may not,
// and the read of one-time access details.
var faultCalls = map[string]func(context.Context, *apono.Client) error{
	"Integrations.Get": func(ctx context.Context, client *apono.Client) error {
		found, err := client.Integrations.Get(ctx, "i0")
		if err == nil && found.Name != "Name-0" {
			return fmt.Errorf("got %q", found.Name)
		}
		return err
	},
	"Integrations.Update": func(ctx context.Context, client *apono.Client) error {
		_, err := client.Integrations.Update(ctx, "i0", apono.UpdateIntegrationInput{Name: "new"})
		return err
	},
	"Integrations.Delete": func(ctx context.Context, client *apono.Client) error {
		return client.Integrations.Delete(ctx, "i0")
	},
	"Groups.Create": func(ctx context.Context, client *apono.Client) error {
		_, err := client.Groups.Create(ctx, apono.CreateGroupInput{Name: "g"})
		return err
	},
	"Sessions.GetAccessDetails": func(ctx context.Context, client *apono.Client) error {
		_, err := client.Sessions.GetAccessDetails(ctx, "s1")
		return err
	},
}

// faultOutcome describes the result of a call.
func faultOutcome(err error) string {
	var transport *apono.TransportError
	var decode *apono.DecodeError
	var api *apono.APIError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &decode):
		return fmt.Sprintf("DecodeError %d after %d", decode.StatusCode, decode.Attempts)
	case errors.As(err, &transport):
		text := fmt.Sprintf("TransportError after %d, maybe sent: %t", transport.Attempts, transport.MaybeSent)
		if errors.Is(err, context.DeadlineExceeded) {
			text += ", too late"
		}
		return text
	case errors.As(err, &api):
		return fmt.Sprintf("APIError %d after %d", api.StatusCode, api.Attempts)
	}
	return err.Error()
}

// fastRetries sets the shortest waits between attempts.
var fastRetries = apono.WithRetryPolicy(apono.RetryPolicy{MinWait: time.Nanosecond, MaxWait: time.Nanosecond})

// The server must not process a lost request, and net/http must not retry one.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	const (
		lost, noResponse, cut = aponotest.RequestLost, aponotest.ResponseLost, aponotest.ResponseCut

		get, update, remove, create, view = "Integrations.Get", "Integrations.Update", "Integrations.Delete", "Groups.Create", "Sessions.GetAccessDetails"
	)
	for _, test := range []struct {
		operation string
		fault     aponotest.Fault
		times     int
		outcome   string
		recorded  []int
		state     string
	}{
		{create, aponotest.Fault{Break: lost}, 1, "TransportError after 1, maybe sent: true", []int{0}, ""},
		{create, aponotest.Fault{Break: noResponse}, 1, "TransportError after 1, maybe sent: true", []int{200}, "1 created"},
		{create, aponotest.Fault{Break: cut}, 1, "DecodeError 200 after 1", []int{200}, "1 created"},
		{create, aponotest.Fault{Break: lost, Status: 500}, 1, "TransportError after 1, maybe sent: true", []int{0}, ""},
		{create, aponotest.Fault{Break: noResponse, Status: 429}, 1, "TransportError after 1, maybe sent: true", []int{429}, ""},
		{create, aponotest.Fault{Break: cut, Status: 429, Body: "slow down"}, 1, "ok", []int{429, 200}, "1 created"},
		{create, aponotest.Fault{Break: cut, Status: 500, Body: `{"message": "x"}`}, 1, "APIError 500 after 1", []int{500}, ""},

		{get, aponotest.Fault{Break: lost}, 1, "ok", []int{0, 200}, ""},
		{get, aponotest.Fault{Break: lost}, 3, "TransportError after 3, maybe sent: false", []int{0, 0, 0}, ""},
		{get, aponotest.Fault{Break: noResponse}, 1, "ok", []int{200, 200}, ""},
		{get, aponotest.Fault{Break: noResponse}, 2, "ok", []int{200, 200, 200}, ""},
		{get, aponotest.Fault{Break: noResponse}, math.MaxInt, "TransportError after 3, maybe sent: false", []int{200, 200, 200}, ""},
		{get, aponotest.Fault{Break: cut}, 2, "ok", []int{200, 200, 200}, ""},
		{get, aponotest.Fault{Break: cut}, 3, "DecodeError 200 after 3", []int{200, 200, 200}, ""},
		{get, aponotest.Fault{Break: cut, Status: 503, Body: "down"}, 1, "ok", []int{503, 200}, ""},
		{get, aponotest.Fault{Break: cut, Body: "x"}, 1, "ok", []int{200, 200}, ""}, // half of one byte is rounded to none

		{update, aponotest.Fault{Break: lost}, 3, "TransportError after 3, maybe sent: true", []int{0, 0, 0}, ""},
		{update, aponotest.Fault{Break: noResponse}, 1, "ok", []int{200, 200}, "renamed"},
		{update, aponotest.Fault{Break: cut}, 1, "ok", []int{200, 200}, "renamed"},

		{remove, aponotest.Fault{Break: lost}, 1, "ok", []int{0, 204}, "deleted"},
		{remove, aponotest.Fault{Break: lost}, 3, "TransportError after 3, maybe sent: true", []int{0, 0, 0}, ""},
		{remove, aponotest.Fault{Break: noResponse}, 1, "ok", []int{204, 404}, "deleted"},
		{remove, aponotest.Fault{Break: cut}, 1, "ok", []int{204, 404}, "deleted"}, // nothing to cut
		{remove, aponotest.Fault{Break: cut, Status: 502}, 1, "ok", []int{502, 204}, "deleted"},

		{view, aponotest.Fault{Break: lost}, 1, "TransportError after 1, maybe sent: true", []int{0}, ""},
		{view, aponotest.Fault{Break: noResponse}, 1, "TransportError after 1, maybe sent: true", []int{200}, "viewed"},
		{view, aponotest.Fault{Break: cut}, 1, "DecodeError 200 after 1", []int{200}, "viewed"},
	} {
		for mode, opts := range faultModes {
			t.Run(fmt.Sprintf("%s %+v %d times, %s", test.operation, test.fault, test.times, mode), func(t *testing.T) {
				t.Parallel()
				server := faultServer(t, opts...)
				client := server.Client(fastRetries)
				_, err := client.Connectors.List(t.Context()) // opens a connection that the next request uses
				require.NoError(t, err)
				server.FaultNext(test.operation, test.times, test.fault)
				require.Equal(t, test.outcome, faultOutcome(faultCalls[test.operation](t.Context(), client)))
				require.Equal(t, test.recorded, faultStatuses(server, test.operation))
				require.Equal(t, test.state, faultState(t, server))
			})
		}
	}
}

// faultStatuses returns the recorded statuses of an operation.
func faultStatuses(server *aponotest.Server, operation string) []int {
	var statuses []int
	for _, request := range server.Requests(operation) {
		statuses = append(statuses, request.Status)
	}
	return statuses
}

// Without retries of the SDK, the server must receive one request per call.
func TestBrokenConnectionsAreNotRetriedByNetHTTP(t *testing.T) {
	t.Parallel()
	for operation, call := range faultCalls {
		for _, fault := range []aponotest.Break{aponotest.RequestLost, aponotest.ResponseLost, aponotest.ResponseCut} {
			for mode, opts := range faultModes {
				t.Run(fmt.Sprintf("%s, %s, %s", operation, fault, mode), func(t *testing.T) {
					t.Parallel()
					server := faultServer(t, opts...)
					client := server.Client()
					_, err := client.Connectors.List(t.Context())
					require.NoError(t, err)
					server.FaultNext(operation, 1, aponotest.Fault{Break: fault})
					err = call(apono.WithoutRetry(t.Context()), client)
					require.Error(t, err)
					require.Len(t, server.Requests(operation), 1)
					require.Len(t, server.Requests(), 2)
				})
			}
		}
	}
}

func TestFaultsChangeResponses(t *testing.T) {
	t.Parallel()
	html := http.Header{"content-type": {"text/html"}}
	for mode, opts := range faultModes {
		t.Run("page of a proxy, "+mode, func(t *testing.T) {
			t.Parallel()
			server := faultServer(t, opts...)
			fault := aponotest.Fault{Header: html, Body: "<html>log in</html>"}
			for operation, state := range map[string]string{"Integrations.Get": "", "Groups.Create": "1 created"} {
				server.FaultNext(operation, 1, fault)
				err := apitest.ErrorAs[*apono.DecodeError](t, faultCalls[operation](t.Context(), server.Client(fastRetries)))
				require.Equal(t, 200, err.StatusCode)
				require.Equal(t, []string{"text/html"}, err.Header.Values("Content-Type"))
				require.Equal(t, "<html>log in</html>", string(err.Body))
				require.Equal(t, []int{200}, faultStatuses(server, operation))
				require.Truef(t, operation == "Integrations.Get" || faultState(t, server) == state, "state is not %q after %s", state, operation)
			}
		})
		t.Run("wrong type alone, "+mode, func(t *testing.T) {
			t.Parallel()
			server := faultServer(t, opts...)
			var types []string
			client := server.Client(apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return roundTripFunc(func(req *http.Request) (*http.Response, error) {
					resp, err := next.RoundTrip(req)
					if err == nil {
						types = append(types, resp.Header.Values("Content-Type")...)
					}
					return resp, err
				})
			}))
			server.FaultNext("Integrations.Get", 1, aponotest.Fault{Header: html})
			for range 2 {
				require.NoError(t, faultCalls["Integrations.Get"](t.Context(), client)) // the body is still JSON
			}
			require.Equal(t, []string{"text/html", "application/json"}, types)
		})
		t.Run("headers, "+mode, func(t *testing.T) {
			t.Parallel()
			server := faultServer(t, opts...)
			server.FaultNext("", 1, aponotest.Fault{
				Status: 429, Body: `{"message": "slow down"}`, Header: http.Header{"x-request-id": {"mine"}, "Retry-After": {"61"}},
			})
			err := apitest.ErrorAs[*apono.APIError](t, faultCalls["Integrations.Get"](t.Context(), server.Client()))
			require.Equal(t, 429, err.StatusCode)
			require.Equal(t, "slow down", err.Message)
			require.Equal(t, "mine", err.RequestID)
			require.Equal(t, 61*time.Second, err.RetryAfter)
			_, notFound := server.Client().Integrations.Get(t.Context(), "none") // the first client waits a minute
			err = apitest.ErrorAs[*apono.APIError](t, notFound)
			require.Equal(t, 404, err.StatusCode)
			require.Equal(t, "fake-2", err.RequestID)
			require.Equal(t, "application/json", err.Header.Get("Content-Type"))
			require.Equal(t, `integration "none" not found`, err.Message)
		})
		t.Run("in the order given, "+mode, func(t *testing.T) {
			t.Parallel()
			server := faultServer(t, opts...)
			server.FaultNext("Integrations.Get", 2, aponotest.Fault{Break: aponotest.RequestLost})
			server.FaultNext("Integrations.Get", 1, aponotest.Fault{Status: 418})
			server.FaultNext("Groups.Create", 1, aponotest.Fault{Status: 507})
			client, once := server.Client(), apono.WithoutRetry(t.Context())
			var outcomes []string
			for range 4 {
				outcomes = append(outcomes, faultOutcome(faultCalls["Integrations.Get"](once, client)))
			}
			outcomes = append(outcomes, faultOutcome(faultCalls["Groups.Create"](once, client)), faultOutcome(faultCalls["Groups.Create"](once, client)))
			require.Equal(t, []string{
				"TransportError after 1, maybe sent: false", "TransportError after 1, maybe sent: false", "APIError 418 after 1", "ok", "APIError 507 after 1", "ok",
			}, outcomes)
		})
	}
}

// Middleware that reads the body must get the error as well.
func TestCutResponseReturnsReadError(t *testing.T) {
	t.Parallel()
	for mode, opts := range faultModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := faultServer(t, opts...)
			server.FaultNext("Integrations.Get", 1, aponotest.Fault{Break: aponotest.ResponseCut, Status: 500, Body: "0123456789"})
			var read string
			var readErr error
			client := server.Client(apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return roundTripFunc(func(req *http.Request) (*http.Response, error) {
					resp, err := next.RoundTrip(req)
					if err == nil {
						var body []byte
						body, readErr = io.ReadAll(resp.Body)
						read = fmt.Sprintf("%s of %d", body, resp.ContentLength)
					}
					return resp, err
				})
			}))
			require.Error(t, faultCalls["Integrations.Get"](apono.WithoutRetry(t.Context()), client))
			require.Equal(t, "01234 of 10", read)
			require.ErrorIs(t, readErr, io.ErrUnexpectedEOF)
		})
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// In a synctest bubble, latency takes no time.
func TestLatency(t *testing.T) {
	t.Parallel()
	const get, create = "Integrations.Get", "Groups.Create"
	for name, test := range map[string]struct {
		operation string
		fault     aponotest.Fault
		times     int
		deadline  time.Duration
		outcome   string
		took      time.Duration
		recorded  []int
		state     string
	}{
		"slow":                     {create, aponotest.Fault{Latency: 3 * time.Second}, 1, 0, "ok", 3 * time.Second, []int{200}, "1 created"},
		"slow twice":               {get, aponotest.Fault{Latency: 3 * time.Second, Status: 503}, 2, 0, "ok", 6 * time.Second, []int{503, 503, 200}, ""},
		"slow to reject":           {create, aponotest.Fault{Latency: 3 * time.Second, Status: 403}, 1, 0, "APIError 403 after 1", 3 * time.Second, []int{403}, ""},
		"slow, then request lost":  {create, aponotest.Fault{Latency: 3 * time.Second, Break: aponotest.RequestLost}, 1, 0, "TransportError after 1, maybe sent: true", 3 * time.Second, []int{0}, ""},
		"slow, then response lost": {create, aponotest.Fault{Latency: 3 * time.Second, Break: aponotest.ResponseLost}, 1, 0, "TransportError after 1, maybe sent: true", 3 * time.Second, []int{200}, "1 created"},
		"slow, then response cut":  {create, aponotest.Fault{Latency: 3 * time.Second, Break: aponotest.ResponseCut}, 1, 0, "DecodeError 200 after 1", 3 * time.Second, []int{200}, "1 created"},
		"no latency":               {create, aponotest.Fault{Latency: -time.Second}, 1, 0, "ok", 0, []int{200}, "1 created"},
		"one attempt times out":    {get, aponotest.Fault{Latency: time.Minute}, 1, 0, "ok", 10 * time.Second, []int{0, 200}, ""},
		"all attempts time out":    {get, aponotest.Fault{Latency: time.Minute}, 3, 0, "TransportError after 3, maybe sent: false, too late", 30 * time.Second, []int{0, 0, 0}, ""},
		"canceled, not processed":  {create, aponotest.Fault{Latency: time.Minute}, 1, 0, "TransportError after 1, maybe sent: true, too late", 10 * time.Second, []int{0}, ""},
		"canceled before rejected": {create, aponotest.Fault{Latency: time.Minute, Status: 429}, 1, 0, "TransportError after 1, maybe sent: true, too late", 10 * time.Second, []int{0}, ""},
		"the caller's deadline":    {create, aponotest.Fault{Latency: time.Minute}, 1, time.Second, "TransportError after 1, maybe sent: true, too late", time.Second, []int{0}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := faultServer(t, aponotest.WithoutNetwork())
				server.FaultNext(test.operation, test.times, test.fault)
				client := server.Client(fastRetries, apono.WithAttemptTimeout(10*time.Second))
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				began := time.Now()
				err := faultCalls[test.operation](ctx, client)
				require.Equal(t, test.took, time.Since(began).Round(time.Millisecond))
				require.Equal(t, test.outcome, faultOutcome(err))
				require.Equal(t, test.recorded, faultStatuses(server, test.operation))
				require.Equal(t, test.state, faultState(t, server))
			})
		})
	}
}

// This test uses a network.
func TestCanceledRequestIsNotProcessed(t *testing.T) {
	t.Parallel()
	ctx, hangUp := context.WithCancel(t.Context())
	var received atomic.Bool
	server := faultServer(t, aponotest.WithClock(func() time.Time {
		if received.Load() { // the server reads its clock after it has received the request
			hangUp()
		}
		return lifecycleNoon
	}))
	server.FaultNext("Groups.Create", 1, aponotest.Fault{Latency: time.Hour})
	client := server.Client()
	received.Store(true)
	require.ErrorIs(t, faultCalls["Groups.Create"](ctx, client), context.Canceled)
	for len(server.Requests()) == 0 { // it notices the cancellation later
		runtime.Gosched()
	}
	require.Equal(t, []int{0}, faultStatuses(server, "Groups.Create"))
	require.Empty(t, faultState(t, server))
}

func TestCanceledContextWithoutNetwork(t *testing.T) {
	t.Parallel()
	server := faultServer(t, aponotest.WithoutNetwork())
	server.FaultNext("Integrations.Delete", 1, aponotest.Fault{Latency: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(ctx, "DELETE", integrationsPath+"/i0", http.NoBody)
	req.Header.Set("Authorization", "Bearer "+server.Token)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, req)
	require.Empty(t, w.Body.String())
	require.Equal(t, []int{0}, faultStatuses(server, "Integrations.Delete"))
	require.Empty(t, faultState(t, server))
}

// Exactly the planned number of requests must fail.
func TestConcurrentFaults(t *testing.T) {
	t.Parallel()
	for mode, opts := range faultModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := faultServer(t, opts...)
			client, once := server.Client(), apono.WithoutRetry(t.Context())
			for _, fault := range []aponotest.Break{aponotest.RequestLost, aponotest.ResponseLost, aponotest.ResponseCut} {
				server.FaultNext("Integrations.Get", 10, aponotest.Fault{Break: fault})
			}
			var failed, decoded atomic.Int32
			var running sync.WaitGroup
			for range 10 {
				running.Go(func() {
					for range 5 {
						switch err := faultCalls["Integrations.Get"](once, client); faultOutcome(err) {
						case "TransportError after 1, maybe sent: false":
							failed.Add(1)
						case "DecodeError 200 after 1":
							decoded.Add(1)
						case "ok":
						default:
							t.Error(err)
						}
					}
				})
			}
			running.Wait()
			require.EqualValues(t, 20, failed.Load())
			require.EqualValues(t, 10, decoded.Load())
			statuses := map[int]int{}
			for _, status := range faultStatuses(server, "Integrations.Get") {
				statuses[status]++
			}
			require.Equal(t, map[int]int{0: 10, 200: 40}, statuses)
		})
	}
}

func TestUnusedFaultsFailTest(t *testing.T) {
	t.Parallel()
	tb := &misuse{TB: t}
	server := aponotest.NewServer(tb, aponotest.WithoutNetwork())
	server.FaultNext("Groups.Get", 3, aponotest.Fault{Status: 503})
	server.FaultNext("Users.List", 1, aponotest.Fault{Status: 403})
	server.FaultNext("Bundles.List", math.MaxInt, aponotest.Fault{Status: 503})
	server.FaultNext("Spaces.List", math.MaxInt, aponotest.Fault{Status: 503})
	server.FaultNext("", 2, aponotest.Fault{Status: 429})
	for path, want := range map[string]int{groupsPath + "/x": 503, usersPath: 403, bundlesPath: 503, connectorsPath: 429} {
		status, _ := send(t, server, "GET", path, noBody)
		require.Equalf(t, want, status, "%s", path)
	}
	tb.end()
	require.Equal(t, []string{
		"aponotest: a fault planned for Groups.Get was not used up: 2 left",
		"aponotest: a fault planned for Spaces.List was not used",
		"aponotest: a fault planned for any operation was not used up: 1 left",
	}, tb.errors)
	require.Empty(t, tb.message)
}

func TestUsedFaultsDoNotFailTest(t *testing.T) {
	t.Parallel()
	tb := &misuse{TB: t}
	server := aponotest.NewServer(tb, aponotest.WithoutNetwork())
	server.FaultNext("Groups.List", 2, aponotest.Fault{Status: 503})
	for range 2 {
		status, _ := send(t, server, "GET", groupsPath, noBody)
		require.Equal(t, 503, status)
	}
	tb.end()
	require.Empty(t, tb.errors)
}

func TestFaultAfterSomeRequests(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithoutNetwork())
	server.FaultNext("Groups.List", 2, aponotest.Fault{After: 2, Status: 503})
	server.FaultNext("Groups.List", 1, aponotest.Fault{After: 1, Status: 403})
	var statuses []int
	for range 7 {
		status, _ := send(t, server, "GET", groupsPath, noBody)
		statuses = append(statuses, status)
	}
	require.Equal(t, []int{200, 200, 503, 503, 200, 403, 200}, statuses)
}
