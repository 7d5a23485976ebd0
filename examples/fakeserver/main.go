// Command fakeserver serves a fake Apono on a loopback port, for programs in
// any language: point them at the address and the token that it prints, in a line
// for a shell.
//
// A file of -seed is a JSON object of lists of objects, as the API returns them, by
// the names of aponotest's collections:
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

const about = "Serves a fake Apono with a made-up company on a loopback port until it is\ninterrupted."

func run(ctx context.Context, p *program.Program) error {
	port := p.Flags.Int("port", 8080, "listen on this `port`, 0 for any that is free")
	token := p.Flags.String("token", aponotest.DefaultToken, "accept this `token`")
	seed := p.Flags.String("seed", "", "start with the objects of this JSON `file`, on top of the made-up company unless -empty is given")
	empty := p.Flags.Bool("empty", false, "start without the made-up company")
	pageSize := p.Flags.Int("page-size", 0, "answer at most so many `items` a page, 0 for what is asked for")
	offsetPageSize := p.Flags.Int("offset-page-size", 0, "page lists by offset too, at most so many `items` a page")
	approval := p.Flags.Duration("approve-after", 5*time.Second, "approve access requests after this `time`, a negative one for never")
	provisioning := p.Flags.Duration("provisioning", 2*time.Second, "take this `time` to grant and revoke access and to reset credentials")
	oneTime := p.Flags.Bool("one-time-details", false, "give the access details of a session out once")
	latency := p.Flags.Duration("latency", 0, "wait this `time` before every answer")
	if err := p.Parse(about); err != nil {
		return err
	}
	opts := []aponotest.Option{
		aponotest.WithPort(*port), aponotest.WithToken(*token), aponotest.WithProvisioningTime(*provisioning),
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
	// A line to paste into a shell, with the names that Apono's own tools read.
	if _, err := fmt.Fprintf(p.Stdout, "export APONO_ENDPOINT=%s APONO_PERSONAL_TOKEN=%s\n", server.URL, shellQuoted(server.Token)); err != nil {
		return err
	}
	fmt.Fprintf(p.Stderr, "Try: curl -H 'Authorization: Bearer %s' '%s/api/admin/v4/integrations?limit=1'\n", server.Token, server.URL)
	<-ctx.Done()
	return nil
}

// shellQuoted is a text as one word of a shell.
func shellQuoted(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
