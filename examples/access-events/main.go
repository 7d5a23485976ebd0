// Command access-events receives Apono's webhooks. It prints a line for each event and
// can keep audit events in a file.
//
// With -demo, a fake server with demo data sends events, some of them every few seconds.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
	"github.com/apono-go/apono/webhook"
)

func main() { program.Main("access-events", run) }

const variable = "APONO_WEBHOOK_VALUE"

const about = `Receives Apono's webhooks and prints a line for each event until it is
interrupted.

To set the webhook up, create one in the Apono portal with the HTTPS URL under
which Apono reaches this program, and a header whose value is a long random
text. Set ` + variable + ` to the same value. As the body, use one of the
templates of package webhook or the one that the portal suggests. The program
serves plain HTTP: TLS ends in front of it, in a proxy or load balancer.

With -audit, audit events are appended to a file as JSON lines. An event is
confirmed to Apono when it is on the disk. A line that was cut off when the
program was killed is removed at the next start.

Environment:
  ` + variable + `  value of the header`

func run(ctx context.Context, p *program.Program) error {
	listen := p.Flags.String("listen", "127.0.0.1:8080", "listen on this `address`; port 0 selects a free one")
	header := p.Flags.String("header", "Authorization", "require this `header`")
	asJSON := p.Flags.Bool("json", false, "print events as JSON")
	path := p.Flags.String("audit", "", "append audit events to this `file`")
	demo := p.Flags.Bool("demo", false, "receive the events of a fake server with demo data")
	p.Local = true // it does not call Apono
	p.Examples = []string{
		`access-events -demo`,
		`access-events -listen :8080 -audit audit.jsonl`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	value := os.Getenv(variable)
	switch {
	case *header == "":
		return p.Misuse("-header must not be empty")
	case *demo && value != "":
		return p.Misuse("-demo cannot be used with %s: unset it, or leave out -demo", variable)
	case *demo:
		value = "Bearer demo"
	case value == "":
		return p.Misuse("no value of the header: set %s, or use -demo for events of a fake server", variable)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &receiver{out: p.Stdout, asJSON: *asJSON}
	if *path != "" {
		file, err := openJournal(*path)
		if err != nil {
			return err
		}
		defer file.Close()
		r.audit = file
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: webhook.NewHandler(*header, value, func(_ context.Context, event webhook.Event) error {
		err := r.receive(event)
		if p.WriteErr() != nil && r.audit == nil {
			cancel(nil) // nobody reads the events
		}
		return err
	}, webhook.WithoutDuplicates())}
	fmt.Fprintf(p.Stderr, "Listening on %s. Press Ctrl-C to stop.\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if *demo {
		stop, err := startDemo(ctx, "http://"+listener.Addr().String(), *header, value)
		if err != nil {
			return err
		}
		defer stop()
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Deliveries that have begun are finished.
	ending, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer end()
	return server.Shutdown(ending)
}

// receiver prints events and keeps audit events.
type receiver struct {
	mu     sync.Mutex
	out    io.Writer
	asJSON bool
	audit  *journal // nil without -audit
}

func (r *receiver) receive(event webhook.Event) error {
	encoded, err := json.Marshal(event)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, isAudit := event.(*webhook.AuditEvent); isAudit && r.audit != nil {
		if err := r.audit.append(encoded); err != nil {
			return err
		}
	}
	text := string(encoded)
	if !r.asJSON {
		text = line(event)
	}
	fmt.Fprintln(r.out, text)
	return nil
}

// line describes an event.
func line(event webhook.Event) string {
	var parts []string
	switch event := event.(type) {
	case *webhook.RequestEvent:
		data := event.Data
		parts = []string{string(event.EventType), first(data.FriendlyID, data.ID), first(data.Grantee.Name, data.Requester.Email, data.Requester.Name)}
		what := first(data.AccessBundle.Name, data.AccessFlow.Name)
		if what != "" {
			parts = append(parts, what)
		}
		for _, approval := range data.Approvals {
			parts = append(parts, approval.Status+" by "+first(approval.Approver.Email, approval.Approver.Name, approval.Name))
		}
		if data.Justification != "" {
			parts = append(parts, fmt.Sprintf("%q", data.Justification))
		}
	case *webhook.AuditEvent:
		data := event.Data
		parts = []string{first(data.Action, string(event.EventType)), string(data.TargetType), first(data.TargetName, data.TargetID), "by " + first(data.ActorID, data.ActorName)}
	}
	at := "-"
	if !event.Time().IsZero() {
		at = event.Time().UTC().Format(time.RFC3339)
	}
	return program.Clean(at + "  " + strings.Join(parts, "  "))
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// journal is a file of JSON lines of which each is on the disk when append returns.
type journal struct {
	file   *os.File
	unlock func()
	size   int64
}

// openJournal opens or creates a file, which no other process may use at the same time,
// and removes an incomplete last line.
func openJournal(path string) (j *journal, err error) {
	unlock, err := program.Lock(path)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the file that the user names
	if err != nil {
		unlock()
		return nil, err
	}
	j = &journal{file: file, unlock: unlock}
	defer func() {
		if err != nil {
			j.Close()
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if j.size, err = endOfLines(file, info.Size()); err != nil {
		return nil, err
	}
	return j, j.cut()
}

// endOfLines returns the size of a file without an incomplete last line.
func endOfLines(file io.ReaderAt, size int64) (int64, error) {
	block := make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(block)))
		if _, err := file.ReadAt(block[:n], size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if at := bytes.LastIndexByte(block[:n], '\n'); at >= 0 {
			return size - n + int64(at) + 1, nil
		}
		size -= n
	}
	return 0, nil
}

// cut removes what was written after the last complete line.
func (j *journal) cut() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	return j.file.Sync()
}

// append adds a line. If it fails, the file is unchanged.
func (j *journal) append(text []byte) error {
	text = append(text, '\n')
	_, err := j.file.WriteAt(text, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return errors.Join(err, j.cut())
	}
	j.size += int64(len(text))
	return nil
}

func (j *journal) Close() {
	_ = j.file.Close()
	j.unlock()
}

// startDemo starts a fake server that sends its events to url, and lets something happen
// there every few seconds.
func startDemo(ctx context.Context, url, header, value string) (stop func(), err error) {
	server, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithWebhook(url, header, value),
		aponotest.WithApprovalAfter(time.Second), aponotest.WithProvisioningTime(time.Second))
	if err != nil {
		return nil, err
	}
	client := server.Client()
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			if err := demo(ctx, client, n); err != nil {
				return // the program ends
			}
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Second):
			}
		}
	}()
	return server.Close, nil
}

// demo requests access for three seconds and changes an access flow.
func demo(ctx context.Context, client *apono.Client, n int) error {
	_, err := client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"), Justification: new(fmt.Sprintf("Incident %d", 4710+n)), DurationInSec: new(3),
	})
	if err != nil {
		return err
	}
	flow, err := client.AccessFlows.Get(ctx, "flow-staging")
	if err != nil {
		return err
	}
	in := flow.UpdateInput()
	in.Description = new(fmt.Sprintf("Changed %d times", n))
	_, err = client.AccessFlows.Update(ctx, flow.ID, in)
	return err
}
