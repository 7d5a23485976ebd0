package apono_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// The examples run on a fake server with a made-up company. Against Apono
// itself, NewClient needs the token only, and NewClientFromEnv nothing.
func Example() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client, err := apono.NewClient(server.Token, apono.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	for bundle, err := range client.Bundles.ListAll(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(bundle.Name)
		if bundle.Name == "Billing on-call" {
			break // no further page is asked for
		}
	}
	// Output:
	// Orders on-call
	// Payments on-call
	// Billing on-call
}

// APONO_ENDPOINT is for servers other than Apono's own; the shell sets both
// variables, as a rule.
func ExampleNewClientFromEnv() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	for name, value := range map[string]string{"APONO_TOKEN": server.Token, "APONO_ENDPOINT": server.URL} {
		if err := os.Setenv(name, value); err != nil {
			log.Fatal(err)
		}
	}

	client, err := apono.NewClientFromEnv(apono.WithUserAgent("inventory/1.4"))
	if err != nil {
		log.Fatal(err) // names the variable that is missing or wrong
	}
	connector, err := client.Connectors.Get(context.Background(), "production-connector")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(connector.Name, connector.Status)
	// Output: production CONNECTED
}

// A source keeps its token until the server refuses it, and gets a new one
// then. The request that was refused is repeated.
func ExampleWithTokenSource() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	var mu sync.Mutex // a client may ask from several goroutines
	token := "a-token-that-was-revoked"
	source := func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if apono.TokenRefused(ctx) {
			token = server.Token // a program reads its vault again
		}
		return token, nil
	}
	client, err := apono.NewClient("", apono.WithBaseURL(server.URL), apono.WithTokenSource(source))
	if err != nil {
		log.Fatal(err)
	}
	group, err := client.Groups.Get(context.Background(), "group-orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Name, "after", len(server.Requests()), "requests")
	// Output: orders after 2 requests
}

// A nightly job has time: it may try more often than the default of three
// times.
func ExampleWithRetryPolicy() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FailNext("Groups.Get", 4, http.StatusServiceUnavailable, nil, "")

	client := server.Client(apono.WithRetryPolicy(apono.RetryPolicy{
		MaxAttempts: 5,
		MinWait:     time.Millisecond,
		MaxWait:     5 * time.Millisecond, // minutes, in a real job
	}))
	group, err := client.Groups.Get(context.Background(), "group-orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Name, "after", len(server.Requests()), "requests")
	// Output: orders after 5 requests
}

// Somebody who waits in front of a screen rather sees the failure at once.
func ExampleWithoutRetry() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FailNext("Groups.Get", 1, http.StatusServiceUnavailable, nil, "")
	client := server.Client()

	ctx := apono.WithoutRetry(context.Background())
	_, err = client.Groups.Get(ctx, "group-orders")
	fmt.Println(errors.Is(err, apono.ErrServer), "after", len(server.Requests()), "request")
	// Output: true after 1 request
}

// Every attempt is a record. ReplaceAttr takes out what differs from run to
// run; programs have no need of it.
func ExampleWithLogger() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug, // the level of attempts that succeed
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	}))

	client := server.Client(apono.WithLogger(logger))
	for _, id := range []string{"group-orders", "group-of-nobody"} {
		if _, err := client.Groups.Get(context.Background(), id); err != nil && !errors.Is(err, apono.ErrNotFound) {
			log.Fatal(err)
		}
	}
	// Output:
	// level=DEBUG msg="apono request" operation=Groups.Get method=GET path=/api/admin/v1/groups/{id} attempt=1 wait=0s status=200 request_id=fake-1
	// level=WARN msg="apono request" operation=Groups.Get method=GET path=/api/admin/v1/groups/{id} attempt=1 wait=0s status=404 request_id=fake-2
}

// roundTripper makes an http.RoundTripper of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Middleware sees every attempt, here to count them by status.
func ExampleWithMiddleware() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FailNext("Groups.Get", 1, http.StatusTooManyRequests, http.Header{"Retry-After": {"0"}}, "")

	var answered, limited, failed atomic.Int64
	client := server.Client(apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			switch {
			case err != nil:
				failed.Add(1)
			case resp.StatusCode == http.StatusTooManyRequests:
				limited.Add(1)
			default:
				answered.Add(1)
			}
			return resp, err
		})
	}))
	if _, err := client.Groups.Get(context.Background(), "group-orders"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("answered:", answered.Load(), "limited:", limited.Load(), "failed:", failed.Load())
	// Output: answered: 1 limited: 1 failed: 0
}

// pace is a limiter with a ticker. The *rate.Limiter of golang.org/x/time/rate
// is one too, and can do more.
type pace <-chan time.Time

func (p pace) Wait(ctx context.Context) error {
	select {
	case <-p:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// The limiter spreads what a program sends, each page of a list and each
// repetition included.
func ExampleWithLimiter() {
	server, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithPageSize(4))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client := server.Client(apono.WithLimiter(pace(time.Tick(time.Millisecond))))
	groups, err := apono.Collect(client.Groups.ListAll(context.Background()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(groups), "groups in", len(server.Requests()), "requests")
	// Output: 11 groups in 3 requests
}

// An audit with an administrator's token cannot change anything by mistake.
func ExampleWithReadOnly() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client := server.Client(apono.WithReadOnly())
	err = client.AccessFlows.Delete(context.Background(), "flow-orders")
	fmt.Println(errors.Is(err, apono.ErrReadOnly))
	fmt.Println(len(server.Requests()), "requests were sent")
	// Output:
	// true
	// 0 requests were sent
}

// The next page is on its way while the loop works on this one.
func ExampleWithReadAhead() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client := server.Client(apono.WithReadAhead(1))
	count := 0
	for integration, err := range client.Integrations.ListAll(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if integration.Status == apono.IntegrationStatusError {
			count++
		}
	}
	fmt.Println(count, "errors on", len(server.Requests()), "pages")
	// Output: 18 errors on 3 pages
}

// Headers travel in the context, for a proxy or a gateway in between.
func ExampleWithRequestHeader() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	ctx := apono.WithRequestHeader(context.Background(), "X-Correlation-Id", "incident-4711")
	if _, err := client.Groups.Get(ctx, "group-orders"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Requests()[0].Header.Get("X-Correlation-Id"))
	// Output: incident-4711
}

// Do serves operations that have no method, and answers of which a program
// wants a part only.
func ExampleClient_Do() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	var connectors struct {
		Items []struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"items"`
	}
	query := url.Values{"status": {"CONNECTED"}}
	err = client.Do(context.Background(), http.MethodGet, "/api/admin/v3/connectors", query, nil, &connectors)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(connectors.Items)
	// Output: [{production 1.7.4} {staging 1.7.4} {development 1.7.4}]
}

// A slice is for what needs all items at once, such as sorting.
func ExampleCollect() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	groups, err := apono.Collect(client.Groups.ListAll(context.Background(), apono.ListGroupsOptions{Name: "s*"}))
	if err != nil {
		log.Fatal(err)
	}
	slices.SortFunc(groups, func(a, b *apono.Group) int { return strings.Compare(a.Name, b.Name) })
	for _, group := range groups {
		fmt.Println(group.Name)
	}
	// Output:
	// search
	// shipping
	// support
}

// First finds what the API has no filter for.
func ExampleFirst() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	flow, err := apono.First(client.AccessFlows.ListAll(context.Background()), func(f *apono.AccessFlow) bool {
		return f.Active && f.ApproverPolicy == nil
	})
	switch {
	case errors.Is(err, apono.ErrNotFound):
		fmt.Println("every access flow has approvers")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("nobody has to approve:", flow.Name)
	}
	// Output: nobody has to approve: Break glass
}

// A job that stops in the middle of a list goes on where it stopped, in another
// process too, with the token of the last page that it finished.
func ExamplePage() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	page, err := client.Users.List(ctx, apono.ListUsersOptions{LastName: "*orders", Limit: 4})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Items), "users are done")

	if page.NextPageToken == "" { // the list has ended; an empty token would start again
		return
	}
	rest := apono.ListUsersOptions{PageToken: page.NextPageToken} // it carries the filters
	for user, err := range client.Users.ListAll(ctx, rest) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Email)
	}
	// Output:
	// 4 users are done
	// elif.orders@example.com
	// femi.orders@example.com
	// grace.orders@example.com
	// hugo.orders@example.com
	// ines.orders@example.com
	// jonas.orders@example.com
}

// A sentinel tells one kind of refusal from another; the error has the rest.
func ExampleAPIError() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FailNext("Bundles.Delete", 1, http.StatusConflict, nil, `{"message": "an access flow uses the bundle"}`)
	ctx, client := context.Background(), server.Client()

	for _, id := range []string{"bundle-orders", "bundle-of-nobody"} {
		err := client.Bundles.Delete(ctx, id)
		var refused *apono.APIError
		switch {
		case errors.Is(err, apono.ErrNotFound):
			fmt.Println("it is gone already")
		case errors.As(err, &refused):
			fmt.Println(refused.StatusCode, refused.Message, refused.RequestID)
		case err != nil:
			log.Fatal(err) // no answer, or none that is to be understood
		}
	}
	// Output:
	// 409 an access flow uses the bundle fake-1
	// it is gone already
}

// An argument that cannot be right never becomes a request: an empty id would
// address all groups instead of one.
func ExampleArgumentError() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	var id string // say, of a flag that nobody gave
	err = client.Groups.Delete(context.Background(), id)
	var wrong *apono.ArgumentError
	if errors.As(err, &wrong) {
		fmt.Printf("%s: %s\n", wrong.Arg, wrong.Reason)
	}
	fmt.Println(len(server.Requests()), "requests were sent")
	// Output:
	// id: must not be empty
	// 0 requests were sent
}

// When the answer to a creation is lost, nobody knows whether something was
// made; so the client does not ask again. MaybeSent says to go and look.
func ExampleTransportError() {
	server, err := aponotest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("Groups.Create", 1, aponotest.Fault{Break: aponotest.AnswerLost})
	ctx, client := context.Background(), server.Client()

	group, err := client.Groups.Create(ctx, apono.CreateGroupInput{Name: "night shift"})
	var broken *apono.TransportError
	if errors.As(err, &broken) && broken.MaybeSent {
		fmt.Println("the answer was lost")
		group, err = client.Groups.GetByName(ctx, "night shift") // ErrNotFound if it was not made
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Name, "is there")
	// Output:
	// the answer was lost
	// night shift is there
}

// An update replaces the whole object, so it starts from what was read.
func ExampleIntegration_UpdateInput() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	integration, err := client.Integrations.Get(ctx, "mysql-staging-orders")
	if err != nil {
		log.Fatal(err)
	}
	in := integration.UpdateInput()
	in.CustomAccessDetails = apono.Ptr("Ask the orders team before you change a row.")
	in.Owner = nil // clears it
	updated, err := client.Integrations.Update(ctx, integration.ID, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("note:", *updated.CustomAccessDetails)
	fmt.Println("no owner:", updated.Owner == nil)
	fmt.Println("as before:", updated.IntegrationConfig["hostname"])
	// Output:
	// note: Ask the orders team before you change a row.
	// no owner: true
	// as before: orders.example.com
}

// A program does not drop a setting that is newer than its version of this
// package: what UpdateInput carries unseen is written back.
func ExampleAccessScope_UpdateInput() {
	server, err := aponotest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	// The review is what a newer server might know.
	body := `{
		"id": "s1", "name": "Production", "query": "integration contains \"production\"", "review": "quarterly",
		"creation_date": "2026-03-02T08:00:00Z", "update_date": "2026-03-02T08:00:00Z"
	}`
	server.FailNext("Scopes.Get", 1, http.StatusOK, nil, body)
	server.FailNext("Scopes.Update", 1, http.StatusOK, nil, body)
	ctx, client := context.Background(), server.Client()

	scope, err := client.Scopes.Get(ctx, "s1")
	if err != nil {
		log.Fatal(err)
	}
	in := scope.UpdateInput()
	in.Name = "Production databases"
	if _, err := client.Scopes.Update(ctx, scope.ID, in); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Requests("Scopes.Update")[0].Body)
	// Output: {"name":"Production databases","query":"integration contains \"production\"","review":"quarterly"}
}

// Optional fields are pointers: nil leaves the choice to the server, and a
// pointer to zero is a choice.
func ExamplePtr() {
	settings := apono.AccessFlowSettings{
		Labels:        []string{"production"},
		MaxExtensions: apono.Ptr(0), // access cannot be extended
	}
	fmt.Println(*settings.MaxExtensions, settings.ExtensionDurationInMin == nil)
	// Output: 0 true
}
