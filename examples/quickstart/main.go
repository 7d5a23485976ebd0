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
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("quickstart", run) }

const about = "Lists the integrations of Apono, the first ten of them in a table."

// few is how many integrations a table has, unless all are asked for.
const few = 10

func run(ctx context.Context, p *program.Program) error {
	name := p.Flags.String("name", "", "list integrations of this `name`; an asterisk at an end stands for any text")
	types := p.Flags.String("type", "", "list integrations of these `types`, separated by commas")
	categories := p.Flags.String("category", "", "list integrations of these `categories`, such as RESOURCES")
	statuses := p.Flags.String("status", "", "list integrations in these `states`, such as ACTIVE,ERROR")
	asJSON := p.Flags.Bool("json", false, "print each integration, all of them, as a line of JSON")
	all := p.Flags.Bool("all", false, "print every integration, not ten")
	wide := p.Flags.Bool("wide", false, "print full values, however wide the table gets")
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
		if err := program.WriteTable(p.Stdout, table, *wide); err != nil {
			return err
		}
		if more := count - (len(table) - 1); more > 0 {
			fmt.Fprintf(p.Stdout, "… %d more; -all prints every one\n", more)
		}
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
		return ""
	}
	return *integration.ConnectorID
}
