// Command fakeserver serves a fake Apono API on a loopback port, for programs in
// any language. It prints its address and token as an export command for a shell.
//
// The file of -seed is a JSON object. Its keys are the names of the collections of
// package aponotest, and its values are arrays of objects as the API returns them:
//
//	{"groups": [{"id": "g1", "name": "On call"}], "members of g1": [{"email": "ada@example.com"}]}
//
// # Control
//
// Tests control the server with further requests, which need the same token. They follow
// the methods of aponotest.Server:
//
//	fake() { curl -sS -H "Authorization: Bearer $APONO_PERSONAL_TOKEN" "$APONO_ENDPOINT/fake/$@"; }
//
//	fake approve -d '{"id": "ID"}'           # approves a pending access request
//	fake reject -d '{"id": "ID"}'            # rejects a pending access request
//	fake fail -d '{"id": "ID"}'              # makes provisioning of its access fail
//	fake advance -d '{"duration": "8h"}'     # moves the server's clock forward
//	fake faults -d '{"operation": "Groups.List", "times": 2, "status": 503}'
//	fake requests                            # returns the requests that the API received
//	fake 'requests?operation=Groups.List'    # returns those of one operation
//	fake reset -X POST                       # discards all changes, faults and requests
//
// A fault applies to the next requests of an operation, or of any without operation. Its
// fields are those of aponotest.Fault in lower case:
//
//   - times is the number of requests, 1 by default
//   - after is the number of requests that succeed before
//   - latency delays the response, such as "2s"
//   - status, header (an object) and body replace those of the response; with a status,
//     the request is not processed
//   - break closes the connection: "request lost", "response lost" or "response cut"
//
// The server keeps the last 10,000 requests. An operation that returns nothing has status
// 204. Errors have a status of 400 or more and a JSON object with a message. Unknown
// fields are errors.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("fakeserver", run) }

const about = `Serves a fake Apono API with a demo tenant on a loopback port until it is
interrupted. It prints its address and token as an export command for a shell.

Tests control it with further requests, which need the same token:

  POST /fake/approve   {"id": "ID"}         approve an access request
  POST /fake/reject    {"id": "ID"}         reject an access request
  POST /fake/fail      {"id": "ID"}         make its provisioning fail
  POST /fake/advance   {"duration": "8h"}   move the clock forward
  POST /fake/faults    {"operation": "Groups.List", "times": 1, "status": 503}
                                            make the next requests fail; also
                                            after, latency, header, body, break
  GET  /fake/requests                       return the requests to the API, or
                                            those of ?operation=Groups.List
  POST /fake/reset                          discard all changes

  curl -H "Authorization: Bearer $APONO_PERSONAL_TOKEN" \
    -d '{"id": "ID"}' "$APONO_ENDPOINT/fake/approve"`

// maxSeed is the maximum size of the file of -seed in bytes.
const maxSeed = 64 << 20

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
		aponotest.WithoutNetwork(), aponotest.WithToken(*token), aponotest.WithProvisioningTime(*provisioning),
		aponotest.WithPageSize(*pageSize), aponotest.WithOffsetPageSize(*offsetPageSize),
	}
	if !*empty {
		opts = append(opts, aponotest.WithDemoTenant())
	}
	if *seed != "" {
		objects, err := p.ReadFile(ctx, *seed, maxSeed)
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
	fake := &controlled{latency: *latency, start: func() (*aponotest.Server, error) { return aponotest.Start(opts...) }}
	if err := fake.reset(); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(*host, strconv.Itoa(*port)))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: fake, ReadHeaderTimeout: time.Minute}
	defer func() { _ = server.Close() }()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	url := "http://" + local(listener.Addr())
	// Apono's own tools read these variables too.
	if _, err := fmt.Fprintf(p.Stdout, "export APONO_ENDPOINT=%s APONO_PERSONAL_TOKEN=%s\n", url, shellQuoted(*token)); err != nil {
		return err
	}
	fmt.Fprintf(p.Stderr, "Try: curl -H 'Authorization: Bearer %s' '%s/api/admin/v4/integrations?limit=1'\n", *token, url)
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return err
	}
}

// local returns an address with which programs on the same machine reach a listener.
func local(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return address.String()
}

// shellQuoted quotes text as one word for a POSIX shell.
func shellQuoted(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
