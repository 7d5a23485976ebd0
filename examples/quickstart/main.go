// Command quickstart lists integrations.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and lists that one's.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "quickstart:", explain(err))
		os.Exit(1)
	}
}

// errUsage is a mistake on the command line that has been reported.
var errUsage = errors.New("wrong usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	name := flags.String("name", "", "list integrations of this `name`; an asterisk at an end stands for any text")
	types := flags.String("type", "", "list integrations of these `types`, separated by commas")
	categories := flags.String("category", "", "list integrations of these `categories`, such as RESOURCES")
	statuses := flags.String("status", "", "list integrations in these `states`, such as ACTIVE,ERROR")
	asJSON := flags.Bool("json", false, "print each integration as a line of JSON")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: filters are flags, see -h", flags.Arg(0))
	}

	var pages atomic.Int64
	client, closeServer, err := connect(stderr, apono.WithTransport(countAnswers(&pages)))
	if err != nil {
		return err
	}
	defer closeServer()

	started := time.Now()
	integrations := client.Integrations.ListAll(ctx, apono.ListIntegrationsOptions{
		Name:     *name,
		Type:     split[string](*types),
		Category: split[apono.IntegrationCategory](*categories),
		Status:   split[apono.IntegrationStatus](*statuses),
	})
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	lines := json.NewEncoder(stdout)
	summary := stderr
	if !*asJSON {
		summary = stdout
		fmt.Fprintln(table, "NAME\tTYPE\tCATEGORY\tSTATUS\tCONNECTOR")
	}
	count := 0
	for integration, err := range integrations {
		if err != nil {
			return err
		}
		count++
		if *asJSON {
			err = lines.Encode(integration)
		} else {
			_, err = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n",
				integration.Name, integration.Type, integration.Category, integration.Status, connector(integration))
		}
		if err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(summary, "%s in %s, %s\n",
		plural(count, "integration"), plural(int(pages.Load()), "page"), time.Since(started).Round(time.Millisecond))
	return err
}

// connect returns a client of Apono, or of a fake server where there is no
// token.
func connect(stderr io.Writer, opts ...apono.Option) (client *apono.Client, closeServer func(), err error) {
	if os.Getenv("APONO_TOKEN") != "" || os.Getenv("APONO_PERSONAL_TOKEN") != "" {
		client, err = apono.NewClientFromEnv(opts...)
		return client, func() {}, err
	}
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(stderr, "No APONO_TOKEN or APONO_PERSONAL_TOKEN is set: this is the demo tenant of an embedded fake server.")
	return server.Client(opts...), server.Close, nil
}

// countAnswers counts the pages, an answer with status 200 being one.
func countAnswers(pages *atomic.Int64) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == http.StatusOK {
				pages.Add(1)
			}
			return resp, err
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func connector(integration *apono.Integration) string {
	if integration.ConnectorID == nil {
		return "-"
	}
	return *integration.ConnectorID
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// split separates a flag's values.
func split[T ~string](list string) []T {
	var values []T
	for value := range strings.SplitSeq(list, ",") {
		values = append(values, T(strings.TrimSpace(value)))
	}
	return values
}

// explain says in one line what to do about an error.
func explain(err error) string {
	switch {
	case errors.Is(err, apono.ErrUnauthorized):
		return "Apono refused the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or make a new token in the Apono portal"
	case errors.Is(err, apono.ErrForbidden):
		return "this token may not list integrations: it needs the rights of an Apono administrator"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return err.Error()
}
