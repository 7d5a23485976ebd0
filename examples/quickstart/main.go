// Command quickstart lists integrations.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and lists that one's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("quickstart", run) }

const about = "Lists the integrations of Apono."

func run(ctx context.Context, p *program.Program) error {
	name := p.Flags.String("name", "", "list integrations of this `name`; an asterisk at an end stands for any text")
	types := p.Flags.String("type", "", "list integrations of these `types`, separated by commas")
	categories := p.Flags.String("category", "", "list integrations of these `categories`, such as RESOURCES")
	statuses := p.Flags.String("status", "", "list integrations in these `states`, such as ACTIVE,ERROR")
	asJSON := p.Flags.Bool("json", false, "print each integration as a line of JSON")
	if err := p.Parse(about); err != nil {
		return err
	}

	var pages atomic.Int64
	client, disconnect, err := p.Connect(nil, apono.WithMiddleware(countAnswers(&pages)))
	if err != nil {
		return err
	}
	defer disconnect()

	started := time.Now()
	integrations := client.Integrations.ListAll(ctx, apono.ListIntegrationsOptions{
		Name:     *name,
		Type:     program.List[string](*types),
		Category: program.List[apono.IntegrationCategory](*categories),
		Status:   program.List[apono.IntegrationStatus](*statuses),
	})
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	lines := json.NewEncoder(p.Stdout)
	summary := p.Stderr
	if !*asJSON {
		summary = p.Stdout
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
		program.Plural(count, "integration"), program.Plural(int(pages.Load()), "page"), program.Since(started))
	return err
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
