// Command fakeserver serves a fake Apono API on a loopback port, for programs in
// any language. It prints its address and token as an export command for a shell.
//
// The file of -seed is a JSON object. Its keys are the names of the collections of
// package aponotest, and its values are arrays of objects as the API returns them:
//
//	{"groups": [{"id": "g1", "name": "On call"}], "members of g1": [{"email": "ada@example.com"}]}
package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("fakeserver", run) }

const about = `Serves a fake Apono API with a demo tenant on a loopback port until it is
interrupted. It prints its address and token as an export command for a shell.`

func run(ctx context.Context, p *program.Program) error {
	port := p.Flags.Int("port", 8080, "listen on this `port`; 0 selects a free one")
	host := p.Flags.String("host", "127.0.0.1", "listen on this `host`, such as 0.0.0.0 in a container")
	token := p.Flags.String("token", aponotest.DefaultToken, "accept this `token`")
	seed := p.Flags.String("seed", "", "add the objects of this JSON `file` to the demo tenant, or with -empty, to an empty tenant")
	empty := p.Flags.Bool("empty", false, "start without the demo tenant")
	pageSize := p.Flags.Int("page-size", 0, "return at most this number of `items` a page; 0 leaves it to the request")
	offsetPageSize := p.Flags.Int("offset-page-size", 0, "page lists by offset, at most this number of `items` a page; 0 returns them whole")
	approval := p.Flags.Duration("approve-after", 5*time.Second, "approve access requests after this `duration`; a negative one approves none")
	provisioning := p.Flags.Duration("provisioning", 2*time.Second, "take this `duration` to grant access, revoke access or reset credentials")
	oneTime := p.Flags.Bool("one-time-details", false, "return the access details of a session only once")
	latency := p.Flags.Duration("latency", 0, "wait this `duration` before each response")
	p.Local = true
	p.Examples = []string{
		`fakeserver`,
		`fakeserver -port 0 -empty -seed objects.json`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	opts := []aponotest.Option{
		aponotest.WithHost(*host), aponotest.WithPort(*port), aponotest.WithToken(*token), aponotest.WithProvisioningTime(*provisioning),
		aponotest.WithPageSize(*pageSize), aponotest.WithOffsetPageSize(*offsetPageSize),
	}
	if !*empty {
		opts = append(opts, aponotest.WithDemoTenant())
	}
	if *seed != "" {
		objects, err := os.ReadFile(*seed)
		if err != nil {
			return err
		}
		opts = append(opts, aponotest.WithSeed(objects))
	}
	if *approval >= 0 {
		opts = append(opts, aponotest.WithApprovalAfter(*approval))
	}
	if *oneTime {
		opts = append(opts, aponotest.WithOneTimeDetails())
	}
	server, err := aponotest.Start(opts...)
	if err != nil {
		return err
	}
	defer server.Close()
	if *latency > 0 {
		server.FaultNext("", math.MaxInt, aponotest.Fault{Latency: *latency})
	}
	// Apono's own tools read these variables too.
	if _, err := fmt.Fprintf(p.Stdout, "export APONO_ENDPOINT=%s APONO_PERSONAL_TOKEN=%s\n", server.URL, shellQuoted(server.Token)); err != nil {
		return err
	}
	fmt.Fprintf(p.Stderr, "Try: curl -H 'Authorization: Bearer %s' '%s/api/admin/v4/integrations?limit=1'\n", server.Token, server.URL)
	<-ctx.Done()
	return nil
}

// shellQuoted quotes text as one word for a POSIX shell.
func shellQuoted(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
