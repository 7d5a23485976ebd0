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

// The examples use the fake server of package aponotest with a demo tenant. For Apono
// itself, NewClient needs only a token, and NewClientFromEnv needs no arguments.
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
			break // no further pages are requested
		}
	}
	// Output:
	// Orders on-call
	// Payments on-call
	// Billing on-call
}

// The variables are usually set by the shell. APONO_ENDPOINT is only needed for a server
// other than Apono's.
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
		log.Fatal(err) // names the variable that is missing or invalid
	}
	connector, err := client.Connectors.Get(context.Background(), "production-connector")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(connector.Name, connector.Status)
	// Output: production CONNECTED
}

// The source caches its token until the server rejects it, and then returns a new one.
// The rejected request is retried.
func ExampleWithTokenSource() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	var mu sync.Mutex // the client may call the source concurrently
	token := "revoked-token"
	source := func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if apono.TokenRejected(ctx) {
			token = server.Token // for example, read from a vault
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

// A batch job retries more often than the default of three attempts.
func ExampleWithRetryPolicy() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("Groups.Get", 4, aponotest.Fault{Status: http.StatusServiceUnavailable})

	client := server.Client(apono.WithRetryPolicy(apono.RetryPolicy{
		MaxAttempts: 5,
		MinWait:     time.Millisecond,
		MaxWait:     5 * time.Millisecond, // a real job waits longer
	}))
	group, err := client.Groups.Get(context.Background(), "group-orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Name, "after", len(server.Requests()), "requests")
	// Output: orders after 5 requests
}

// An interactive program reports a failure immediately.
func ExampleWithoutRetry() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("Groups.Get", 1, aponotest.Fault{Status: http.StatusServiceUnavailable})
	client := server.Client()

	ctx := apono.WithoutRetry(context.Background())
	_, err = client.Groups.Get(ctx, "group-orders")
	fmt.Println(errors.Is(err, apono.ErrServer), "after", len(server.Requests()), "request")
	// Output: true after 1 request
}

// Each attempt is one log record. ReplaceAttr removes the attributes that differ between
// runs, because the output of this example is tested.
func ExampleWithLogger() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug, // the level of successful attempts
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	}))

	client := server.Client(apono.WithLogger(logger))
	for _, id := range []string{"group-orders", "group-unknown"} {
		if _, err := client.Groups.Get(context.Background(), id); err != nil && !errors.Is(err, apono.ErrNotFound) {
			log.Fatal(err)
		}
	}
	// Output:
	// level=DEBUG msg="apono request" operation=Groups.Get method=GET path=/api/admin/v1/groups/{id} attempt=1 wait=0s status=200 request_id=fake-1
	// level=WARN msg="apono request" operation=Groups.Get method=GET path=/api/admin/v1/groups/{id} attempt=1 wait=0s status=404 request_id=fake-2
}

// roundTripper is a function that implements http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The middleware counts attempts by their status.
func ExampleWithMiddleware() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("Groups.Get", 1, aponotest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"0"}}})

	var succeeded, limited, failed atomic.Int64
	client := server.Client(apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			switch {
			case err != nil:
				failed.Add(1)
			case resp.StatusCode == http.StatusTooManyRequests:
				limited.Add(1)
			default:
				succeeded.Add(1)
			}
			return resp, err
		})
	}))
	if _, err := client.Groups.Get(context.Background(), "group-orders"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("succeeded:", succeeded.Load(), "limited:", limited.Load(), "failed:", failed.Load())
	// Output: succeeded: 1 limited: 1 failed: 0
}

// pace is a minimal limiter. Programs use a *rate.Limiter of golang.org/x/time/rate.
type pace <-chan time.Time

func (p pace) Wait(ctx context.Context) error {
	select {
	case <-p:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// The limiter applies to every attempt, including the pages of a list and retries.
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

// The client cannot change anything, even with the token of an administrator.
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

// The client requests the next page while the loop processes the current one.
func ExampleWithReadAhead() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client := server.Client(apono.WithReadAhead())
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

// The context adds a header to the requests of a call, for example for a gateway.
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

// Do calls any operation and decodes the response into any type, here into one that has
// only some of the members.
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

// Sorting needs all items in a slice.
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

// First finds an item by a condition that the API has no filter for.
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
		fmt.Println("no approval required:", flow.Name)
	}
	// Output: no approval required: Break glass
}

// The token of a page resumes the list at the next page, also in another process.
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

	if page.NextPageToken == "" { // this was the last page; an empty token starts again
		return
	}
	rest := apono.ListUsersOptions{PageToken: page.NextPageToken} // includes the filters
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

// errors.Is compares the status, and the APIError has the details.
func ExampleAPIError() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("Bundles.Delete", 1, aponotest.Fault{Status: http.StatusConflict, Body: `{"message": "an access flow uses the bundle"}`})
	ctx, client := context.Background(), server.Client()

	for _, id := range []string{"bundle-orders", "bundle-unknown"} {
		err := client.Bundles.Delete(ctx, id)
		var rejected *apono.APIError
		switch {
		case errors.Is(err, apono.ErrNotFound):
			fmt.Println("not found")
		case errors.As(err, &rejected):
			fmt.Println(rejected.StatusCode, rejected.Message, rejected.RequestID)
		case err != nil:
			log.Fatal(err) // for example, no response
		}
	}
	// Output:
	// 409 an access flow uses the bundle fake-1
	// not found
}

// An invalid argument is an error before a request is sent.
func ExampleArgumentError() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	var id string // for example, a flag that was not set
	err = client.Groups.Delete(context.Background(), id)
	if invalid, ok := errors.AsType[*apono.ArgumentError](err); ok {
		fmt.Printf("%s: %s\n", invalid.Arg, invalid.Reason)
	}
	fmt.Println(len(server.Requests()), "requests were sent")
	// Output:
	// id: must not be empty
	// 0 requests were sent
}

// If the response to a Create is lost, it is unknown whether the object was created, so
// the client does not retry. MaybeSent reports this case.
func ExampleTransportError() {
	server, err := aponotest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("Groups.Create", 1, aponotest.Fault{Break: aponotest.ResponseLost})
	ctx, client := context.Background(), server.Client()

	group, err := client.Groups.Create(ctx, apono.CreateGroupInput{Name: "night shift"})
	var failed *apono.TransportError
	if errors.As(err, &failed) && failed.MaybeSent {
		fmt.Println("the response was lost")
		group, err = client.Groups.GetByName(ctx, "night shift") // ErrNotFound if it was not created
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Name, "was created")
	// Output:
	// the response was lost
	// night shift was created
}

// An update replaces the whole object, so its input is derived from the object that was
// read.
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
	in.CustomAccessDetails = new("Ask the orders team before you change a row.")
	in.Owner = nil // clears it
	updated, err := client.Integrations.Update(ctx, integration.ID, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("note:", *updated.CustomAccessDetails)
	fmt.Println("no owner:", updated.Owner == nil)
	fmt.Println("unchanged:", updated.IntegrationConfig["hostname"])
	// Output:
	// note: Ask the orders team before you change a row.
	// no owner: true
	// unchanged: orders.example.com
}

// UpdateInput copies members that this version of the package has no field for, so an
// update keeps them.
func ExampleAccessScope_UpdateInput() {
	server, err := aponotest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	// The package has no field for the member "review".
	body := `{
		"id": "s1", "name": "Production", "query": "integration contains \"production\"", "review": "quarterly",
		"creation_date": "2026-03-02T08:00:00Z", "update_date": "2026-03-02T08:00:00Z"
	}`
	server.FaultNext("Scopes.Get", 1, aponotest.Fault{Status: http.StatusOK, Body: body})
	server.FaultNext("Scopes.Update", 1, aponotest.Fault{Status: http.StatusOK, Body: body})
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

// Optional fields are pointers. A nil field is omitted, and a pointer to zero is sent.
func Example_optionalFields() {
	settings := apono.AccessFlowSettings{
		Labels:        []string{"production"},
		MaxExtensions: new(0), // access cannot be extended
	}
	fmt.Println(*settings.MaxExtensions, settings.ExtensionDurationInMin == nil)
	// Output: 0 true
}
