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
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// fake is a running fakeserver.
type fake struct {
	cmd      *exec.Cmd
	stdout   *bufio.Reader
	stderr   bytes.Buffer
	endpoint string
	token    string
	stopped  bool
}

// serve starts the program on a free port and reads the line that it prints.
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
	require.NotNilf(t, found, "not an export command: %q", line)
	f.endpoint, f.token = found[1], found[2]
	return f
}

// exports matches the export command that the program prints.
var exports = regexp.MustCompile(`^export APONO_ENDPOINT=(http://127\.0\.0\.1:[0-9]+) APONO_PERSONAL_TOKEN=(.*)\n$`)

// client returns a client with the address and the token that the program printed.
func (f *fake) client(t *testing.T, opts ...apono.Option) *apono.Client {
	t.Helper()
	client, err := apono.NewClient(f.token, append([]apono.Option{apono.WithBaseURL(f.endpoint)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// stop interrupts the program and returns the rest of its output.
func (f *fake) stop(t *testing.T) (stdout string, code int) {
	t.Helper()
	f.stopped = true
	require.NoError(t, f.cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(f.stdout)
	require.NoError(t, err)
	_ = f.cmd.Wait()
	return string(rest), f.cmd.ProcessState.ExitCode()
}

// Scripts evaluate the line that the program prints.
func TestServesDemoTenantUntilInterrupted(t *testing.T) {
	t.Parallel()
	f := serve(t)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(f.endpoint, "http://"))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", host)
	require.NotEqual(t, "0", port, "the endpoint must name the port in use")
	require.NotEmpty(t, port, "the endpoint must name the port in use")
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

func TestEmptyTenant(t *testing.T) {
	t.Parallel()
	users, err := apono.Collect(serve(t, "-empty").client(t).Users.ListAll(t.Context()))
	require.NoError(t, err)
	require.Empty(t, users)
}

func TestServesSeed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(file, []byte("\ufeff"+`{"groups": [{"id": "g1", "name": "Night shift", "color": "red"}],
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

func TestWrongSeedIsOneLineError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"group": [{"id": "g1"}]}`), 0o600))
	require.Equal(t, process.Result{Stderr: "fakeserver: seed: unknown collection \"group\"\n", Code: 1}, process.Run(t, nil, "-seed", file, "-port", "0"))
	result := process.Run(t, nil, "-seed", file+"x", "-port", "0")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "seed.jsonx")
	require.NoError(t, os.Truncate(file, maxSeed+1))
	require.Equal(t, process.Result{Stderr: "fakeserver: " + file + " has more than 67108864 bytes\n", Code: 1}, process.Run(t, nil, "-seed", file, "-port", "0"))
}

// In a container, programs outside must reach the server. The address in the output is
// for programs inside.
func TestHost(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-host", "0.0.0.0"}, {"-host", "::"}, {"-host", "localhost"}, nil} {
		f := serve(t, append(args, "-empty")...) // checks that the address has 127.0.0.1
		_, err := f.client(t).Users.List(t.Context())
		require.NoError(t, err, args)
		if runtime.GOOS != "linux" { // where all of 127.0.0.0/8 is local
			continue
		}
		f.endpoint = strings.Replace(f.endpoint, "127.0.0.1", "127.0.0.2", 1)
		_, err = f.client(t).Users.List(apono.WithoutRetry(t.Context()))
		if strings.ContainsAny(strings.Join(args, ""), "0:") {
			require.NoError(t, err, args)
		} else {
			require.ErrorAs(t, err, new(*apono.TransportError), args)
		}
	}
}

// The export command is valid for any token.
func TestTokenIsQuotedForShell(t *testing.T) {
	t.Parallel()
	const token = "it's $HOME; `x`"
	f := serve(t, "-token", token, "-empty")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "export APONO_PERSONAL_TOKEN="+f.token+` && printf %s "$APONO_PERSONAL_TOKEN"`).Output()
	require.NoError(t, err)
	require.Equal(t, token, string(out))
}

func TestAcceptsOnlyGivenToken(t *testing.T) {
	t.Parallel()
	f := serve(t, "-token", "let-me-in", "-empty")
	require.Equal(t, "let-me-in", f.token)
	_, err := f.client(t).Users.List(t.Context())
	require.NoError(t, err)
	f.token = "aponotest-token"
	_, err = f.client(t).Users.List(t.Context())
	require.ErrorIs(t, err, apono.ErrUnauthorized)
}

// Small pages show whether a program reads more than the first one.
func TestPageSizes(t *testing.T) {
	t.Parallel()
	client := serve(t, "-page-size", "7", "-offset-page-size", "3").client(t)
	page, err := client.Users.List(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Items, 7)
	require.NotEmpty(t, page.NextPageToken, "the first page must have a next page token")
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
		BundleReference: new("Orders on-call"), Justification: new("A test"),
	})
	require.NoError(t, err)
	require.NotEmpty(t, requests, "no request was created")
	return requests[0]
}

func TestGrantsRequests(t *testing.T) {
	t.Parallel()
	client := serve(t, "-approve-after", "100ms", "-provisioning", "100ms").client(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	granted, err := client.AccessRequests.WaitFor(ctx, request(t, client).ID, apono.UntilGranted)
	require.NoError(t, err)
	require.EqualValues(t, "ACTIVE", granted.Status)
}

func TestNegativeApproveAfterLeavesRequestsPending(t *testing.T) {
	t.Parallel()
	client := serve(t, "-approve-after", "-1s", "-provisioning", "0s").client(t)
	created := request(t, client)
	require.EqualValues(t, "PENDING", created.Status)
	again, err := client.AccessRequests.Get(t.Context(), created.ID)
	require.NoError(t, err)
	require.EqualValues(t, "PENDING", again.Status)
}

func TestOneTimeDetails(t *testing.T) {
	t.Parallel()
	client := serve(t, "-approve-after", "0s", "-provisioning", "0s", "-one-time-details").client(t)
	request(t, client)
	page, err := client.Sessions.List(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, page.Items, "the request has no session")
	first, err := client.Sessions.GetAccessDetails(t.Context(), page.Items[0].ID)
	require.NoError(t, err)
	require.NotEmpty(t, first.Parameters, "the access details have no parameters")
	_, err = client.Sessions.GetAccessDetails(t.Context(), page.Items[0].ID)
	require.Error(t, err, "the second read must fail")
}

func TestLatency(t *testing.T) {
	t.Parallel()
	f := serve(t, "-latency", "1h", "-empty")
	_, err := f.client(t, apono.WithAttemptTimeout(50*time.Millisecond), apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 1})).
		Users.List(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	f.does(t, "/fake/advance", `{"duration": "1h"}`) // without delay

	// An interrupt does not wait for requests in progress.
	_, code := f.stop(t)
	require.Zero(t, code)
}

func TestPortInUseIsOneLineError(t *testing.T) {
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
		"Serves a fake Apono API", "Usage: fakeserver [flags]\n", "-approve-after", "-empty", "-host", "-latency", "-offset-page-size", "-one-time-details", "-page-size", "-port", "-provisioning", "-seed", "-token",
		"/fake/approve", "/fake/reject", "/fake/fail", "/fake/advance", "/fake/faults", "/fake/requests", "/fake/reset",
	} {
		require.Contains(t, help, part)
	}
	require.Equal(t, 2, process.Run(t, nil, "-port", "x").Code)
	require.Equal(t, 2, process.Run(t, nil, "extra").Code)
}
