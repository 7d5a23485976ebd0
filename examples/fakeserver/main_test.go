package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// fake is the program, serving.
type fake struct {
	cmd      *exec.Cmd
	stdout   *bufio.Reader
	stderr   bytes.Buffer
	endpoint string
	token    string
	stopped  bool
}

// serve starts the program on a port that is free, and reads what it prints.
func serve(t *testing.T, args ...string) *fake {
	t.Helper()
	f := &fake{cmd: process.Command(t, nil, append([]string{"-port", "0"}, args...)...)}
	stdout, err := f.cmd.StdoutPipe()
	require.NoError(t, err)
	f.stdout, f.cmd.Stderr = bufio.NewReader(stdout), &f.stderr
	require.NoError(t, f.cmd.Start())
	t.Cleanup(func() {
		if !f.stopped {
			_ = f.cmd.Process.Kill()
			_ = f.cmd.Wait()
		}
	})
	line, err := f.stdout.ReadString('\n')
	require.NoError(t, err)
	found := exports.FindStringSubmatch(line)
	require.NotNilf(t, found, "a line to paste into a shell, got %q", line)
	f.endpoint, f.token = found[1], found[2]
	return f
}

// exports is the line that a shell can evaluate.
var exports = regexp.MustCompile(`^export APONO_ENDPOINT=(http://127\.0\.0\.1:[0-9]+) APONO_PERSONAL_TOKEN=(.*)\n$`)

// client is a client made with what the program printed.
func (f *fake) client(t *testing.T, opts ...apono.Option) *apono.Client {
	t.Helper()
	client, err := apono.NewClient(f.token, append([]apono.Option{apono.WithBaseURL(f.endpoint)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// stop interrupts the program, and returns what else it printed.
func (f *fake) stop(t *testing.T) (stdout string, code int) {
	t.Helper()
	f.stopped = true
	require.NoError(t, f.cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(f.stdout)
	require.NoError(t, err)
	_ = f.cmd.Wait()
	return string(rest), f.cmd.ProcessState.ExitCode()
}

// Scripts evaluate what is printed, and programs in all languages go by it: it
// must be this line, and lead to a server.
func TestItServesTheDemoTenantUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	f := serve(t)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(f.endpoint, "http://"))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", host)
	require.NotEqual(t, "0", port, "a port")
	require.NotEmpty(t, port, "a port")
	require.Equal(t, "aponotest-token", f.token)

	client := f.client(t)
	integrations, err := apono.Collect(client.Integrations.ListAll(t.Context()))
	require.NoError(t, err)
	require.Len(t, integrations, 273)
	bundle, err := client.Bundles.GetByName(t.Context(), "Orders on-call")
	require.NoError(t, err)
	require.Equal(t, "bundle-orders", bundle.ID)
	page, err := client.Integrations.List(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Items, 100)

	stdout, code := f.stop(t)
	require.Empty(t, stdout)
	require.Zero(t, code)
	require.Equal(t, "Try: curl -H 'Authorization: Bearer "+f.token+"' '"+f.endpoint+"/api/admin/v4/integrations?limit=1'\n", f.stderr.String())
	_, err = client.Users.List(apono.WithoutRetry(t.Context()))
	require.ErrorAs(t, err, new(*apono.TransportError))
}

func TestItCanBeEmpty(t *testing.T) {
	t.Parallel()
	users, err := apono.Collect(serve(t, "-empty").client(t).Users.ListAll(t.Context()))
	require.NoError(t, err)
	require.Empty(t, users)
}

// Other tools start against objects of one's own, in one step.
func TestItServesTheObjectsOfAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"groups": [{"id": "g1", "name": "Night shift", "color": "red"}],
		"members of g1": [{"email": "zoe@example.com"}]}`), 0o600))
	for _, c := range []struct {
		args   []string
		groups int
	}{{[]string{"-seed", file, "-empty"}, 1}, {[]string{"-seed", file}, 12}} {
		client := serve(t, c.args...).client(t)
		groups, err := apono.Collect(client.Groups.ListAll(t.Context()))
		require.NoError(t, err)
		require.Len(t, groups, c.groups)
		group, err := client.Groups.GetByName(t.Context(), "Night shift")
		require.NoError(t, err)
		require.Equal(t, `"red"`, string(group.Extra["color"]))
		members, err := apono.Collect(client.Groups.ListAllMembers(t.Context(), "g1"))
		require.NoError(t, err)
		require.Equal(t, []*apono.GroupMember{{Email: "zoe@example.com"}}, members)
	}
}

func TestAWrongSeedIsAnErrorOfOneLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"group": [{"id": "g1"}]}`), 0o600))
	require.Equal(t, process.Result{Stderr: "fakeserver: seed: unknown collection \"group\"\n", Code: 1}, process.Run(t, nil, "-seed", file, "-port", "0"))
	result := process.Run(t, nil, "-seed", file+"x", "-port", "0")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "seed.jsonx")
}

// The line is pasted into a shell, whatever the token is.
func TestTheLineIsForAShell(t *testing.T) {
	t.Parallel()
	const token = "it's $HOME; `x`"
	f := serve(t, "-token", token, "-empty")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "export APONO_PERSONAL_TOKEN="+f.token+` && printf %s "$APONO_PERSONAL_TOKEN"`).Output()
	require.NoError(t, err)
	require.Equal(t, token, string(out))
}

func TestItAcceptsTheGivenTokenAndNoOther(t *testing.T) {
	t.Parallel()
	f := serve(t, "-token", "let-me-in", "-empty")
	require.Equal(t, "let-me-in", f.token)
	_, err := f.client(t).Users.List(t.Context())
	require.NoError(t, err)
	f.token = "aponotest-token"
	_, err = f.client(t).Users.List(t.Context())
	require.ErrorIs(t, err, apono.ErrUnauthorized)
}

// Programs that lose all but the first page pass every test in which there is
// one page.
func TestItServesSmallPages(t *testing.T) {
	t.Parallel()
	client := serve(t, "-page-size", "7", "-offset-page-size", "3").client(t)
	page, err := client.Users.List(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Items, 7)
	require.NotEmpty(t, page.NextPageToken, "another page")
	users, err := apono.Collect(client.Users.ListAll(t.Context()))
	require.NoError(t, err)
	require.Len(t, users, 100)
	entries, err := client.Integrations.ListCatalog(t.Context())
	require.NoError(t, err)
	require.Len(t, entries.Items, 3)
	require.Equal(t, 10, entries.Total)
}

func request(t *testing.T, client *apono.Client) *apono.AccessRequest {
	t.Helper()
	requests, err := client.AccessRequests.Create(t.Context(), apono.CreateAccessRequestInput{
		BundleReference: apono.Ptr("Orders on-call"), Justification: apono.Ptr("A test"),
	})
	require.NoError(t, err)
	require.NotEmpty(t, requests, "a request")
	return requests[0]
}

func TestItGrantsWhatIsRequested(t *testing.T) {
	t.Parallel()
	client := serve(t, "-approve-after", "100ms", "-provisioning", "100ms").client(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	granted, err := client.AccessRequests.WaitFor(ctx, request(t, client).ID, apono.UntilGranted)
	require.NoError(t, err)
	require.EqualValues(t, "ACTIVE", granted.Status)
}

// The defaults are for people who look: a test that wants no approval has to be
// able to say so.
func TestItLeavesRequestsOpenWhenTold(t *testing.T) {
	t.Parallel()
	client := serve(t, "-approve-after", "-1s", "-provisioning", "0s").client(t)
	created := request(t, client)
	require.EqualValues(t, "PENDING", created.Status)
	again, err := client.AccessRequests.Get(t.Context(), created.ID)
	require.NoError(t, err)
	require.EqualValues(t, "PENDING", again.Status)
}

// Access details that can be read once are lost by programs that read them to
// look whether they are there.
func TestItGivesDetailsOutOnce(t *testing.T) {
	t.Parallel()
	client := serve(t, "-approve-after", "0s", "-provisioning", "0s", "-one-time-details").client(t)
	request(t, client)
	page, err := client.Sessions.List(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, page.Items, "a session")
	first, err := client.Sessions.GetAccessDetails(t.Context(), page.Items[0].ID)
	require.NoError(t, err)
	require.NotEmpty(t, first.Parameters, "parameters")
	_, err = client.Sessions.GetAccessDetails(t.Context(), page.Items[0].ID)
	require.Error(t, err, "an error the second time")
}

// How a program behaves while it waits is seen with a server that is slow.
func TestItIsSlowWhenTold(t *testing.T) {
	t.Parallel()
	f := serve(t, "-latency", "1h", "-empty")
	_, err := f.client(t, apono.WithAttemptTimeout(50*time.Millisecond), apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1})).
		Users.List(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)

	// An interrupt does not wait for what is under way.
	_, code := f.stop(t)
	require.Zero(t, code)
}

func TestAPortInUseIsAnErrorOfOneLine(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	result := process.Run(t, nil, "-port", port)
	require.Equal(t, process.Result{
		Stderr: "fakeserver: listen tcp 127.0.0.1:" + port + ": bind: address already in use\n", Code: 1,
	}, result)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	for _, part := range []string{
		"Serves a fake Apono", "Usage: fakeserver [flags]\n", "-approve-after", "-empty", "-latency", "-offset-page-size", "-one-time-details", "-page-size", "-port", "-provisioning", "-seed", "-token",
	} {
		require.Contains(t, help, part)
	}
	require.Equal(t, 2, process.Run(t, nil, "-port", "x").Code)
	require.Equal(t, 2, process.Run(t, nil, "extra").Code)
}
