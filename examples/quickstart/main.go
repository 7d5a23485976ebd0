// Command quickstart lists integrations.
//
// With -demo, and without a token, it starts a fake server and lists the integrations of
// its demo tenant.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("quickstart", run) }

const about = `Lists integrations. By default it prints a table of the first ten; with -json it
prints all of them.`

const few = 10 // integrations in the table without -all

func run(ctx context.Context, p *program.Program) error {
	name := p.Flags.String("name", "", "list integrations with this `name`; an asterisk at the start or end matches any text")
	types := p.Flags.String("type", "", "list integrations of these `types`, separated by commas")
	categories := p.Flags.String("category", "", "list integrations of these `categories`, separated by commas, such as RESOURCES")
	statuses := p.Flags.String("status", "", "list integrations with one of these `statuses`, separated by commas, such as ACTIVE,ERROR")
	asJSON := p.Flags.Bool("json", false, "print all integrations as JSON, one per line")
	all := p.Flags.Bool("all", false, "print all integrations in the table")
	wide := p.Flags.Bool("wide", false, "do not shorten values to fit the terminal")
	p.DemoWithoutToken = true
	p.Examples = []string{
		`quickstart -status ERROR`,
		`quickstart -type mysql,postgresql -json`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}

	var pages atomic.Int64
	client, disconnect, err := p.Connect(nil, apono.WithMiddleware(countPages(&pages)))
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
	table := [][]string{{"NAME", "TYPE", "CATEGORY", "STATUS", "CONNECTOR"}}
	lines := json.NewEncoder(p.Stdout)
	summary := p.Stderr
	if !*asJSON {
		summary = p.Stdout
	}
	count := 0
	for integration, err := range integrations {
		if err != nil {
			return err
		}
		count++
		if *asJSON {
			if err := lines.Encode(integration); err != nil {
				return err
			}
		} else if *all || count <= few {
			table = append(table, []string{
				integration.Name, integration.Type, string(integration.Category), string(integration.Status), connector(integration),
			})
		}
	}
	if !*asJSON {
		layout := program.Table{Width: p.Width(), First: []string{"TYPE", "CONNECTOR"}}
		if *wide {
			layout.Width = 0
		}
		if err := program.WriteTable(p.Stdout, table, layout); err != nil {
			return err
		}
		if more := count - (len(table) - 1); more > 0 {
			fmt.Fprintf(p.Stdout, "… %d more; use -all to print all\n", more)
		}
	}
	_, err = fmt.Fprintf(summary, "%s in %s, %s\n",
		program.Plural(count, "integration"), program.Plural(int(pages.Load()), "page"), program.Since(started))
	return err
}

// countPages counts responses with status 200, each of which is a page.
func countPages(pages *atomic.Int64) func(http.RoundTripper) http.RoundTripper {
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
		return ""
	}
	return *integration.ConnectorID
}
