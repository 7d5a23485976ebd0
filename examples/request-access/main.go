// Command request-access requests access, waits until it is granted, and prints how
// to connect. It can also run a command that uses the access, or hold the access, and
// revoke it at the end.
//
// With -demo, it uses a fake server with demo data instead of Apono.
package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("request-access", run) }

const about = `Requests a bundle, or a permission to a resource of an integration, waits until
it is granted, and prints how to connect. Ctrl-C before that revokes the
request.

With -hold, -revoke-after or COMMAND, it holds the access and revokes it at the
end: after SIGINT, SIGTERM or SIGHUP, after the time of -revoke-after, or when
COMMAND ends. Of several requests, either all are granted or all are revoked.
Access is kept even if Apono becomes unreachable. Ctrl-C during -hold exits with
code 0. A second Ctrl-C exits at once and prints the IDs of requests that may
remain.

With -save, the IDs of the requests are appended to FILE as soon as they exist.
"request-access -revoke FILE" revokes them, in any state: after a job that was
killed, or as the last step of one.

COMMAND receives the access details of the sessions in its environment. They are
read once and not printed:

  APONO_SESSION_COUNT          number of sessions
  APONO_SESSION_ID             ID of the session
  APONO_SESSION_NAME           name of the session
  APONO_SESSION_INTEGRATION    name of the integration
  APONO_SESSION_INSTRUCTIONS   instructions for a person
  APONO_SESSION_MESSAGE        note of the administrator
  APONO_SESSION_CLI            command line
  APONO_SESSION_LINK           URL of a console
  APONO_SESSION_PARAM_X        parameter X, such as PASSWORD, in upper case and
                               with "_" for all but letters and digits
  APONO_SESSION_JSON           all access details as JSON

A variable is unset if the session does not have that detail. Several sessions
are sorted by integration and name: APONO_SESSION_CLI is of the first session,
APONO_SESSION_2_CLI of the second. With -session, there is only the session with
that name, and no other is read. COMMAND does not receive the API token.

COMMAND uses the input and output of this program and receives its signals. An
interrupt does not end this program while COMMAND runs. After SIGTERM or SIGHUP,
or when the access or the time ends, COMMAND is terminated, and killed after
-grace. The access is revoked last. The exit code is that of COMMAND, or 128
plus the number of the signal that ended it. If COMMAND succeeds, the exit code
is 1 if access ended first, or may not have been revoked.`

func run(ctx context.Context, p *program.Program) error {
	command := p.Command()
	bundle := p.Flags.String("bundle", "", "request the bundle with this `name` or ID")
	integration := p.Flags.String("integration", "", "request access to the integration with this `name`")
	resource := p.Flags.String("resource", "", "request the resource with this `name` or ID")
	permission := p.Flags.String("permission", "", "request the permission with this `name`")
	justification := p.Flags.String("justification", "", "state this `reason` (required)")
	duration := p.Flags.Duration("duration", 0, "request access for this `duration`, in whole seconds; 0 leaves it to the access flow")
	grantee := p.Flags.String("grantee", "", "request access for the user with this `e-mail` address")
	timeout := p.Flags.Duration("timeout", 10*time.Minute, "wait this `duration` for the access, then revoke the request")
	poll := p.Flags.Duration("poll", time.Second, "`time` to the first poll; later polls are less frequent")
	keep := p.Flags.Bool("keep", false, "do not revoke the request after -timeout")
	hold := p.Flags.Bool("hold", false, "hold the access until Ctrl-C, the end of -duration or the end of the access")
	revokeAfter := p.Flags.Duration("revoke-after", 0, "hold the access, or run COMMAND, for this `duration` at most")
	grace := p.Flags.Duration("grace", 10*time.Second, "the `time` for which COMMAND may run after SIGTERM before it is killed")
	save := p.Flags.String("save", "", "append the IDs of the requests to this `file` when they are created")
	revoke := p.Flags.String("revoke", "", "request nothing; revoke the requests whose IDs are in this `file`")
	asJSON := p.Flags.Bool("json", false, "print the access details as a JSON array")
	session := p.Flags.String("session", "", "give COMMAND the access details of the session with this `name` or ID only")
	fields := map[string]string{}
	p.Flags.Func("field", "set a custom field, `id=value`; can be given several times", func(field string) error {
		id, value, ok := strings.Cut(field, "=")
		if !ok || id == "" {
			return errors.New("must be id=value")
		}
		fields[id] = value
		return nil
	})
	p.Examples = []string{
		`request-access -demo -bundle "Orders on-call" -justification Incident`,
		`request-access -bundle "On call" -justification Incident -- psql`,
	}
	p.ExitCodes = map[int]string{
		0:   "access was granted; with -hold, -revoke-after or -revoke, it was revoked",
		1:   "access was not granted, cannot be used, or may remain",
		130: "interrupted; the output says what was revoked and what may remain",
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	byParts := *integration != "" && *resource != "" && *permission != ""
	during := *hold || *revokeAfter > 0 || command != nil
	switch {
	case *revoke != "" && (p.Flags.NFlag() > 1 || command != nil):
		return p.Misuse("-revoke cannot be used with other flags or COMMAND")
	case *revoke != "":
		return revokeSaved(ctx, p, *revoke)
	case byParts == (*bundle != "") || !byParts && *integration+*resource+*permission != "":
		return p.Misuse("either -bundle, or -integration, -resource and -permission must be set")
	case strings.TrimSpace(*justification) == "":
		return p.Misuse("-justification is required")
	case *duration < 0 || *duration%time.Second != 0 || *revokeAfter < 0 || min(*timeout, *poll, *grace) <= 0:
		return p.Misuse("-duration must be whole seconds, -timeout, -poll and -grace must be positive, and -revoke-after must not be negative")
	case *keep && during:
		return p.Misuse("-keep cannot be used with -hold, -revoke-after or COMMAND")
	case *hold && command != nil:
		return p.Misuse("-hold cannot be used with COMMAND")
	case *asJSON && command != nil:
		return p.Misuse("-json cannot be used with COMMAND, which has APONO_SESSION_JSON")
	case *session != "" && command == nil:
		return p.Misuse("-session can only be used with COMMAND")
	case command != nil && len(command) == 0:
		return p.Misuse("COMMAND must follow --")
	}
	if command != nil { // before anything is requested
		if _, err := exec.LookPath(command[0]); err != nil {
			return p.Misuse("%v", err)
		}
	}
	r := &requester{Program: p, json: *asJSON, session: *session, timeout: *timeout, poll: *poll, started: time.Now(), failed: map[string]error{}, over: map[string]bool{}}
	if *save != "" { // before anything is requested
		file, err := os.OpenFile(*save, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		r.save = file
	}
	ctx, stop := r.handleSignals(ctx)
	defer stop()
	client, disconnect, err := p.Connect([]aponotest.Option{
		aponotest.WithApprovalAfter(2 * time.Second), aponotest.WithProvisioningTime(time.Second),
	})
	if err != nil {
		return err
	}
	defer disconnect()
	r.client = client

	in := apono.CreateAccessRequestInput{Justification: justification, CustomFields: fields}
	if *grantee != "" {
		in.Grantee = grantee
	}
	if *duration > 0 {
		in.DurationInSec = new(int(*duration / time.Second))
	}
	if byParts {
		err = pickEntitlement(ctx, client, &in, *grantee, *integration, *resource, *permission)
	} else {
		err = pickBundle(ctx, client, &in, *grantee, *bundle)
	}
	r.mu.Lock()
	r.sent = err == nil
	r.mu.Unlock()
	switch {
	case err != nil:
		return err
	case during:
		return r.during(ctx, in, use{command: command, limit: *revokeAfter, grace: *grace})
	}
	return r.untilGranted(ctx, in, *keep)
}

func pickBundle(ctx context.Context, client *apono.Client, in *apono.CreateAccessRequestInput, grantee, name string) error {
	bundles := client.AvailableAccess.ListAllBundles(ctx, apono.ListAvailableBundlesOptions{Grantee: grantee})
	picked, err := pick(bundles, func(b *apono.AvailableBundle, same comparison) (bool, string) {
		return same(name, b.Name) || same(name, b.ID), fmt.Sprintf("%s: -bundle %s", b.Name, b.ID)
	})
	if err == nil {
		in.BundleReference = &picked.ID
	}
	return err
}

func pickEntitlement(ctx context.Context, client *apono.Client, in *apono.CreateAccessRequestInput, grantee, integration, resource, permission string) error {
	// Compare here too: a server may ignore a filter.
	compare := func(e *apono.AvailableEntitlement, same comparison) (bool, string) {
		return same(integration, e.Integration.Name) && (same(resource, e.Resource.Name) || same(resource, e.Resource.ID)) && same(permission, e.Permission.Name),
			fmt.Sprintf("%s, %s: -resource %s -permission %s", e.Resource.Type.Label, e.Resource.Name, e.Resource.ID, e.Permission.Name)
	}
	filter := apono.ListAvailableEntitlementsOptions{Grantee: grantee, IntegrationName: integration, ResourceName: resource, PermissionName: []string{permission}}
	picked, err := pick(client.AvailableAccess.ListAllEntitlements(ctx, filter), compare)
	if errors.Is(err, errNone) { // the name may be an id, which has no filter
		filter.ResourceName, filter.PermissionName = "", nil
		picked, err = pick(client.AvailableAccess.ListAllEntitlements(ctx, filter), compare)
	}
	if err == nil {
		in.Entitlements = []apono.CreateAccessRequestEntitlement{{ResourceID: picked.Resource.ID, PermissionID: picked.Permission.ID}}
	}
	return err
}

type comparison func(a, b string) bool

func exactly(a, b string) bool { return a == b }

var errNone = errors.New("nothing with this name can be requested")

// pick returns the only item that matches exactly or, if none does, the only one that
// matches in another case. Otherwise the error lists the candidates.
func pick[T any](items iter.Seq2[*T, error], compare func(item *T, same comparison) (fits bool, text string)) (picked *T, err error) {
	var fitting, others []string
	exact := 0
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		same, text := compare(item, exactly)
		fits, _ := compare(item, strings.EqualFold)
		switch {
		case same:
			picked, exact = item, exact+1
		case fits && exact == 0:
			picked = item
		}
		if fits {
			fitting = append(fitting, text)
		} else {
			others = append(others, text)
		}
	}
	switch n := len(others); {
	case len(fitting) == 1 || exact == 1:
		return picked, nil
	case len(fitting) > 1:
		return nil, fmt.Errorf("several have this name; use an id:\n  %s", strings.Join(fitting, "\n  "))
	case n >= 12:
		return nil, fmt.Errorf("%w; %d others can", errNone, n)
	case n > 0:
		return nil, fmt.Errorf("%w; these can:\n  %s", errNone, strings.Join(others, "\n  "))
	}
	return nil, errNone
}
