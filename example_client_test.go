package apono_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

func ExampleNewClient() {
	client, err := apono.NewClient(os.Getenv("MY_TOKEN"),
		apono.WithUserAgent("access-bot/1.2"),
		apono.WithAttemptTimeout(10*time.Second),
		apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 5}),
		apono.WithReadOnly(),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client)
	// Output: apono: argument token: must not be empty
}

// The token comes from a vault, and is fetched again shortly before it expires.
func ExampleCachedTokenSource() {
	fetch := func(context.Context) (token string, expires time.Time, err error) {
		return "token-from-the-vault", time.Now().Add(time.Hour), nil
	}
	client, err := apono.NewClient("", apono.WithTokenSource(apono.CachedTokenSource(fetch)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: apono.Client(https://api.apono.io)
}

// A proxy and a private certificate authority are settings of the transport.
func ExampleWithHTTPClient() {
	proxy, err := url.Parse("http://proxy.example.com:3128")
	if err != nil {
		log.Fatal(err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		log.Fatal(err)
	}
	if pem, err := os.ReadFile("/etc/ssl/private-ca.pem"); err == nil {
		roots.AppendCertsFromPEM(pem)
	}
	transport := &http.Transport{
		Proxy:             http.ProxyURL(proxy),
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	client, err := apono.NewClient("my-token", apono.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: apono.Client(https://api.apono.io)
}

// A program that handles one page at a time saves the token of the next one. Started
// again, it continues there.
func ExamplePages() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	options := apono.ListUsersOptions{PageToken: "", Limit: 40} // the saved token, empty at first
	for page, err := range apono.Pages(ctx, client.Users.List, options) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(page.Items), "users")
		checkpoint := page.NextPageToken // save it after the page is handled
		fmt.Println("done:", checkpoint == "")
	}
	// Output:
	// 40 users
	// done: false
	// 40 users
	// done: false
	// 20 users
	// done: true
}

// A list that fails after its first page can be resumed at the page that failed.
func ExamplePageError() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	options := apono.ListUsersOptions{Limit: 60}
	first, err := client.Users.List(ctx, options)
	if err != nil {
		log.Fatal(err)
	}
	failure := &apono.PageError{NextPageToken: first.NextPageToken, Err: apono.ErrServer} // as ListAll returns it
	if failed, ok := errors.AsType[*apono.PageError](failure); ok {
		options.PageToken = failed.NextPageToken
	}
	rest, err := apono.Collect(client.Users.ListAll(ctx, options))
	fmt.Println(len(first.Items), len(rest), err)
	// Output: 60 40 <nil>
}

// The header of a response may have limits and IDs that the API does not document.
func ExampleWithResponseFunc() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	ctx := apono.WithResponseFunc(context.Background(), func(status int, header http.Header) {
		fmt.Println(status, header.Get("Content-Type"))
	})
	if _, err := server.Client().Groups.Get(ctx, "group-orders"); err != nil {
		log.Fatal(err)
	}
	// Output: 200 application/json
}

func ExampleGroupsService_AddMember() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	group, err := client.Groups.GetByName(ctx, "orders")
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Groups.AddMember(ctx, group.ID, "ada.billing@example.com"); err != nil {
		log.Fatal(err)
	}
	member, err := apono.First(client.Groups.ListAllMembers(ctx, group.ID), func(m *apono.GroupMember) bool {
		return m.Email == "ada.billing@example.com"
	})
	fmt.Println(member.Email, err)
	// Output: ada.billing@example.com <nil>
}

// deactivate is a function of a program.
func deactivate(ctx context.Context, client *apono.Client, id string) error {
	flow, err := client.AccessFlows.Get(ctx, id)
	if err != nil {
		return err
	}
	in := flow.UpdateInput()
	in.Active = false
	_, err = client.AccessFlows.Update(ctx, id, in)
	return err
}

// A test of a program gets a server that ends with the test.
func Example_test() {
	_ = func(t *testing.T) { // func TestDeactivate(t *testing.T)
		server := aponotest.NewServer(t, aponotest.WithDemoTenant())
		if err := deactivate(t.Context(), server.Client(), "flow-orders-staging"); err != nil {
			t.Fatal(err)
		}
		flow, err := server.Client().AccessFlows.Get(t.Context(), "flow-orders-staging")
		if err != nil || flow.Active {
			t.Fatalf("the flow is still active, or %v", err)
		}
	}
}
