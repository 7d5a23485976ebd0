//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

const (
	holding  = "Access is held. Press Ctrl-C to revoke it."
	revoking = "Revoking. Press Ctrl-C again to exit at once.\n"
	waiting  = "Waiting up to 10 minutes for approval (PENDING).\n"
)

// running is the program while it runs.
type running struct {
	*exec.Cmd
	t      *testing.T
	stdin  io.WriteCloser
	stdout strings.Builder
	stderr *bufio.Reader
	read   strings.Builder // of standard error
}

// start runs the program, without a terminal, and returns once it has written the
// line to standard error.
func start(t *testing.T, env []string, line string, args ...string) *running {
	t.Helper()
	r := &running{Cmd: process.Command(t, env, args...), t: t}
	r.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	r.Stdout = &r.stdout
	var err error
	r.stdin, err = r.StdinPipe()
	require.NoError(t, err)
	stderr, err := r.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, r.Start())
	guard := time.AfterFunc(30*time.Second, func() { _ = syscall.Kill(-r.Process.Pid, syscall.SIGKILL) }) // the command too
	t.Cleanup(func() { guard.Stop() })
	if r.stderr = bufio.NewReader(io.TeeReader(stderr, &r.read)); line != "" {
		r.await(line)
	}
	return r
}

// await reads standard error up to a line.
func (r *running) await(line string) {
	r.t.Helper()
	for got := ""; got != line+"\n"; {
		var err error
		got, err = r.stderr.ReadString('\n')
		require.NoErrorf(r.t, err, "before the line %q", line)
	}
}

func (r *running) signal(sig os.Signal) {
	r.t.Helper()
	require.NoError(r.t, r.Process.Signal(sig))
}

// end waits for the end of the program and returns the rest of standard error.
func (r *running) end() string {
	r.t.Helper()
	text, err := io.ReadAll(r.stderr)
	require.NoError(r.t, err)
	_ = r.Wait()
	return string(text)
}

// id is the request that the program has written of.
func (r *running) id(t *testing.T) string {
	t.Helper()
	_, rest, found := strings.Cut(r.read.String(), "Requested: ")
	require.True(t, found)
	id, _, _ := strings.Cut(rest, "\n")
	return id
}

func (r *running) code() int { return r.ProcessState.ExitCode() }

// onCallRuns are the arguments to run a shell script with access to a bundle.
func onCallRuns(script string, flags ...string) []string {
	return onCall(append(flags, "-poll", "20ms", "--", "/bin/sh", "-c", script)...)
}

func requireRevokedOnce(t *testing.T, server *aponotest.Server) {
	t.Helper()
	require.EqualValues(t, "REVOKED", status(t, server, first))
	require.Len(t, server.Requests("AccessRequests.Revoke"), 1)
}

func TestInterruptRevokes(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	r := start(t, process.Env(server), "Requested: "+first, onCall("-keep")...)
	r.await(strings.TrimSpace(waiting))
	r.signal(os.Interrupt)
	require.Equal(t, revoking+"Revoked: "+first+"\nrequest-access: interrupted\n", r.end())
	require.Equal(t, 130, r.code())
	requireRevokedOnce(t, server)
}

// An interrupt between the submission and its response must not leave a request
// open whose id is unknown, nor one between the grant and its details access that
// cannot be used.
func TestInterruptDuringCallRevokes(t *testing.T) {
	t.Parallel()
	for operation, opts := range map[string][]aponotest.Option{"/access-requests": nil, "/access-details": {approved}} {
		for _, args := range [][]string{onCall(), onCall("-hold"), onCall("--", "/bin/sh", "-c", "exit 9")} {
			server := newServer(t, opts...)
			var interrupt sync.Once
			var cmd *exec.Cmd
			started := make(chan struct{})
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, operation) {
					interrupt.Do(func() {
						<-started
						_ = cmd.Process.Signal(os.Interrupt)
						if operation == "/access-details" {
							<-r.Context().Done() // reading is given up at once
							return
						}
						select { // it arrives, and a program that gave up is noticed
						case <-r.Context().Done():
						case <-time.After(300 * time.Millisecond):
						}
					})
				}
				server.ServeHTTP(w, r)
			}))
			t.Cleanup(proxy.Close)
			cmd = process.Command(t, []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + proxy.URL}, args...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			close(started)
			_ = cmd.Wait()
			lines := []string{"Requested: " + first + "\n", revoking}
			if operation == "/access-requests" {
				lines = []string{revoking, "Requested: " + first + "\n"}
			}
			require.Equal(t, strings.Join(lines, "")+"Revoked: "+first+"\nrequest-access: interrupted\n", stderr.String())
			require.Equal(t, 130, cmd.ProcessState.ExitCode())
			requireRevokedOnce(t, server)
		}
	}
}

// A signal that ends the program revokes the access. It is no error while the access
// is held, and an interruption before the grant.
func TestSignalsRevoke(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			server := newServer(t, approved)
			r := start(t, process.Env(server), holding, onCall("-hold")...)
			require.EqualValues(t, "ACTIVE", status(t, server, first))
			r.signal(sig)
			require.Equal(t, revoking+"Revoked: "+first+"\n", r.end())
			require.Zero(t, r.code())
			requireRevokedOnce(t, server)

			server = newServer(t)
			r = start(t, process.Env(server), strings.TrimSpace(waiting), onCall("-hold")...)
			r.signal(sig)
			require.Equal(t, revoking+"Revoked: "+first+"\nrequest-access: interrupted\n", r.end())
			require.Equal(t, 130, r.code())
			requireRevokedOnce(t, server)
		})
	}
}

// A program started by nohup holds the access after a hangup.
func TestIgnoredHangupDoesNotRevoke(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	self := process.Command(t, process.Env(server), onCall("-revoke-after", "1s")...)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", `trap "" HUP; exec "$0" "$@"`}, self.Args...)...)
	cmd.Env = self.Env
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	r := &running{Cmd: cmd, t: t, stderr: bufio.NewReader(stderr)}
	r.await(holding)
	r.signal(syscall.SIGHUP)
	time.Sleep(200 * time.Millisecond)
	require.Empty(t, server.Requests("AccessRequests.Revoke"))
	require.Equal(t, "Revoked: "+first+"\n", r.end())
	requireRevokedOnce(t, server)
}

// A second interrupt ends a program whose revocation hangs, and the program prints
// what may remain.
func TestSecondInterruptEndsProgramAtOnce(t *testing.T) {
	t.Parallel()
	remain := "request-access: interrupted; revoke in the Apono portal what may remain: " + first + "\n"
	for name, test := range map[string]struct {
		slow, line string
		opts       []aponotest.Option
		args       []string
		want       string
		signal     os.Signal
	}{
		"holding":             {"/revoke", holding, []aponotest.Option{approved}, onCall("-hold"), remain, os.Interrupt},
		"after a termination": {"/revoke", holding, []aponotest.Option{approved}, onCall("-hold"), remain, syscall.SIGTERM},
		"waiting":             {"/revoke", strings.TrimSpace(waiting), nil, onCall(), remain, os.Interrupt},
		"after the command":   {"/revoke", "", []aponotest.Option{approved}, onCallRuns("exit 0"), remain, os.Interrupt},
		"requesting": {
			"/access-requests", "", nil, onCall("-hold"),
			"request-access: interrupted; a request may have been created: look for it in the Apono portal\n", os.Interrupt,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, test.opts...)
			met := make(chan struct{})
			r := start(t, front(t, server, func(_ http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, test.slow) {
					return false
				}
				close(met)
				<-r.Context().Done()
				return true
			}), test.line, test.args...)
			if test.line == "" {
				<-met
			}
			r.signal(test.signal)
			r.await(strings.TrimSpace(revoking))
			if test.line != "" {
				<-met
			}
			time.Sleep(2 * sameInterrupt)
			began := time.Now()
			r.signal(os.Interrupt)
			require.Equal(t, test.want, r.end())
			require.Equal(t, 130, r.code())
			require.Less(t, time.Since(began), 2*time.Second)
		})
	}
}

// Some programs that run others send each signal twice.
func TestInterruptSentTwiceRevokes(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	r := start(t, process.Env(server), holding, onCall("-hold")...)
	server.FaultNext("AccessRequests.Revoke", 1, aponotest.Fault{Latency: 50 * time.Millisecond})
	r.signal(os.Interrupt)
	r.await(strings.TrimSpace(revoking))
	r.signal(os.Interrupt)
	require.Equal(t, "Revoked: "+first+"\n", r.end())
	require.Zero(t, r.code())
	requireRevokedOnce(t, server)
}

// front puts a handler in front of a server, which gets what that does not handle.
// It returns the environment for the program.
func front(t *testing.T, server *aponotest.Server, handle func(http.ResponseWriter, *http.Request) bool) []string {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // all of it, so that the end of the connection is noticed
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !handle(w, r) {
			server.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(proxy.Close)
	return []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + proxy.URL}
}

// Access that is in use stays when Apono cannot be read for a while, before the
// grant, while it is held and while a command runs. The program says so once.
func TestOutageOfReadsRevokesNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t, aponotest.WithApprovalAfter(200*time.Millisecond))
	var out atomic.Bool
	var failed atomic.Int32
	env := front(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if !out.Load() || r.Method != http.MethodGet {
			return false
		}
		failed.Add(1)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return true
	})
	hold := start(t, env, strings.TrimSpace(waiting), onCall("-hold", "-poll", "50ms")...)
	run := start(t, env, strings.TrimSpace(waiting), onCallRuns("echo running >&2; read line; exit 4")...)
	out.Store(true)
	time.Sleep(500 * time.Millisecond)
	out.Store(false)
	hold.await(holding)
	run.await("running")
	out.Store(true)
	before := failed.Load()
	time.Sleep(5200 * time.Millisecond)
	require.Greater(t, failed.Load(), before+5)
	require.Empty(t, server.Requests("AccessRequests.Revoke"))

	hold.signal(syscall.SIGTERM)
	require.NoError(t, run.stdin.Close())
	require.True(t, strings.HasSuffix(hold.end(), revoking+"Revoked: "+hold.id(t)+"\n"), hold.read.String())
	require.Equal(t, "Revoked: "+run.id(t)+"\n", run.end())
	require.Equal(t, 1, strings.Count(hold.read.String(), "retrying: "), hold.read.String())
	require.LessOrEqual(t, strings.Count(run.read.String(), "retrying: "), 1, run.read.String())
	require.Zero(t, hold.code())
	require.Equal(t, 4, run.code())
	require.Len(t, server.Requests("AccessRequests.Revoke"), 2)
	require.EqualValues(t, "REVOKED", status(t, server, hold.id(t)))
	require.EqualValues(t, "REVOKED", status(t, server, run.id(t)))
}

func TestHoldForATime(t *testing.T) {
	t.Parallel()
	var server *aponotest.Server
	var got process.Result
	// On a loaded machine, the time may be over before the details are read.
	for limit := 100 * time.Millisecond; !strings.Contains(got.Stderr, holding) && limit < time.Minute; limit *= 3 {
		server = newServer(t, approved)
		got = process.Run(t, process.Env(server), onCall("-revoke-after", limit.String(), "-duration", "1h")...)
	}
	require.Contains(t, got.Stdout, "password: made-up-1\n")
	require.Contains(t, got.Stdout, "password: made-up-2\n")
	require.Equal(t, "Requested: "+first+"\n"+holding+"\nRevoked: "+first+"\n", got.Stderr)
	require.Zero(t, got.Code)
	requireRevokedOnce(t, server)
}

// Access that has ended needs no revocation.
func TestHoldUntilAccessEnds(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	r := start(t, process.Env(server), holding, onCall("-hold", "-duration", "1h", "-poll", "50ms")...)
	server.Advance(time.Hour)
	require.Equal(t, "Ended: "+first+"\n", r.end())
	require.Zero(t, r.code())
	require.Empty(t, server.Requests("AccessRequests.Revoke"))
}

// The last lines are true for each response to the revocation.
func TestRevocationThatFails(t *testing.T) {
	t.Parallel()
	const failed = "POST /api/user/v4/access-requests/{id}/revoke: 409 Conflict"
	for name, test := range map[string]struct {
		args    []string
		fault   aponotest.Fault
		revoked bool
		code    int
	}{
		"hold, rejected":      {onCall("-revoke-after", "3s"), aponotest.Fault{Status: 409, Body: "{}"}, false, 1},
		"hold, lost":          {onCall("-revoke-after", "3s"), aponotest.Fault{Break: aponotest.ResponseLost}, true, 0},
		"command, lost":       {onCallRuns("exit 0"), aponotest.Fault{Break: aponotest.ResponseLost}, true, 0},
		"command, rejected":   {onCallRuns("exit 0"), aponotest.Fault{Status: 409, Body: "{}"}, false, 1},
		"command, two faults": {onCallRuns("exit 5"), aponotest.Fault{Status: 409, Body: "{}"}, false, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, approved)
			server.FaultNext("AccessRequests.Revoke", 1, test.fault)
			got := process.Run(t, process.Env(server), test.args...)
			require.Equal(t, test.code, got.Code)
			if test.revoked {
				require.Contains(t, got.Stderr, "\nRevoked: "+first+"\n")
				requireRevokedOnce(t, server)
				return
			}
			require.Contains(t, got.Stderr, "\nNOT revoked: "+first+": apono: "+failed)
			require.Contains(t, got.Stderr, "\nrequest-access: apono: access may remain: revoke the requests "+first+": ")
			require.EqualValues(t, "ACTIVE", status(t, server, first))
		})
	}
}

// The program prints that a request may exist if the response to the submission is
// lost.
func TestSubmissionThatMayHaveBeenTakenDuring(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	server.FaultNext("AccessRequests.Create", 1, aponotest.Fault{Break: aponotest.ResponseLost})
	got := process.Run(t, process.Env(server), onCall("-hold")...)
	require.Equal(t, 1, got.Code)
	require.True(t, strings.HasPrefix(got.Stderr, maybeRequested+"\nrequest-access: "), got.Stderr)
}

// seeded is a server with a request that two sessions serve, one of which has all
// that access details can hold.
func seeded(t *testing.T) *aponotest.Server {
	t.Helper()
	server := newServer(t)
	server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r1", Status: "ACTIVE", AccessGroups: []apono.AccessGroup{
		{Integration: apono.Ref{ID: "i-people", Name: "people"}, ResourceTypes: []apono.ResourceType{}},
		{Integration: apono.Ref{ID: "i-orders", Name: "orders"}, ResourceTypes: []apono.ResourceType{}},
	}})
	server.Put(aponotest.Sessions,
		apono.AccessSession{ID: "s1", Name: "people db", RequestIDs: []string{"r1"}, Integration: apono.Ref{ID: "i-people", Name: "people"}, CredentialsStatus: "NOT_APPLICABLE"},
		apono.AccessSession{ID: "s2", Name: "orders db", RequestIDs: []string{"other", "r1"}, Integration: apono.Ref{ID: "i-orders", Name: "orders"}, CredentialsStatus: "AVAILABLE"})
	server.Put(aponotest.DetailsOf("s1"), map[string]any{"instructions": ""})
	server.Put(aponotest.DetailsOf("s2"), json.RawMessage(`{"instructions": "secret steps\nin two lines", "custom_admin_message": "secret note", "cli": "connect 'secret cli'",
		"link": {"url": "https://secret.example.com/?a=b", "title": "Secret"}, "newer": {"token": "secret extra", "n": 12345678901234567890},
		"parameters": {"user-name": "secret user", "Passwörd": "secret password=1", "a b": "secret one", "a_b": "secret two", "nul": "secret\u0000zero"}}`))
	server.FaultNext("AccessRequests.Create", 1, aponotest.Fault{Body: `[{"id": "r1", "status": "PENDING",
		"creation_date": "2026-01-01T00:00:00Z", "custom_fields": {}, "access_groups": []}]`})
	return server
}

// The details of all sessions are read once, and are in the environment of the
// command and nowhere else.
func TestCommandHasAccessDetailsInItsEnvironment(t *testing.T) {
	t.Parallel()
	server := seeded(t)
	path := filepath.Join(t.TempDir(), "env")
	env := append(process.Env(server), "APONO_PERSONAL_TOKEN=mine", "APONO_SESSION_2_CLI=stale", "APONO_SESSION_9_ID=stale", "OTHER=kept")
	got := process.Run(t, env, onCall("--", "/bin/sh", "-c", `/usr/bin/env -0 >"$1"; echo out; echo err >&2`, "sh", path)...)
	require.Equal(t, process.Result{
		Stdout: "out\n",
		Stderr: "Requested: r1\nSeveral parameters map to APONO_SESSION_PARAM_A_B, which is not set; see APONO_SESSION_JSON\nerr\nRevoked: r1\n",
	}, got)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	has := map[string]string{}
	for variable := range strings.SplitSeq(string(data), "\x00") {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "APONO") || name == "OTHER" {
			has[name] = value
		}
	}
	require.JSONEq(t, `{"instructions": "secret steps\nin two lines", "custom_admin_message": "secret note", "cli": "connect 'secret cli'",
		"link": {"url": "https://secret.example.com/?a=b", "title": "Secret"}, "newer": {"token": "secret extra", "n": 12345678901234567890},
		"parameters": {"user-name": "secret user", "Passwörd": "secret password=1", "a b": "secret one", "a_b": "secret two", "nul": "secret\u0000zero"}}`, has["APONO_SESSION_JSON"])
	require.Contains(t, has["APONO_SESSION_JSON"], "12345678901234567890")
	delete(has, "APONO_SESSION_JSON")
	require.Equal(t, map[string]string{
		"OTHER": "kept", "APONO_ENDPOINT": server.URL, "APONO_SESSION_COUNT": "2",
		"APONO_SESSION_ID": "s2", "APONO_SESSION_NAME": "orders db", "APONO_SESSION_INTEGRATION": "orders",
		"APONO_SESSION_INSTRUCTIONS": "secret steps\nin two lines", "APONO_SESSION_MESSAGE": "secret note",
		"APONO_SESSION_CLI": "connect 'secret cli'", "APONO_SESSION_LINK": "https://secret.example.com/?a=b",
		"APONO_SESSION_PARAM_USER_NAME": "secret user", "APONO_SESSION_PARAM_PASSW_RD": "secret password=1",
		"APONO_SESSION_2_ID": "s1", "APONO_SESSION_2_NAME": "people db", "APONO_SESSION_2_INTEGRATION": "people",
		"APONO_SESSION_2_INSTRUCTIONS": "", "APONO_SESSION_2_JSON": `{"instructions":""}`,
	}, has)
	require.Len(t, server.Requests("Sessions.GetAccessDetails"), 2)
	require.Equal(t, []string{"AccessRequests.Create", "AccessRequests.Get", "Sessions.List", "Sessions.GetAccessDetails", "Sessions.GetAccessDetails",
		"AccessRequests.Revoke"}, operations(server)[1:])
}

// Standard input and output are the program's, the access lives while the command
// runs, and the exit code is the command's.
func TestCommandExitCode(t *testing.T) {
	t.Parallel()
	for script, code := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -9 $$": 137} {
		server := newServer(t, approved)
		r := start(t, process.Env(server), "running", onCallRuns("echo running >&2; read line; echo got $line; "+script)...)
		require.EqualValues(t, "ACTIVE", status(t, server, first))
		_, err := io.WriteString(r.stdin, "input\n")
		require.NoError(t, err)
		require.Equal(t, "Revoked: "+first+"\n", r.end())
		require.Equal(t, "got input\n", r.stdout.String())
		require.Equal(t, code, r.code())
		requireRevokedOnce(t, server)
	}
}

// A command that handles its signals goes on after any number of interrupts.
func TestCommandHasTheSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		server := newServer(t, approved)
		r := start(t, process.Env(server), "running", onCallRuns(`trap 'echo INT >&2' INT; trap 'echo QUIT >&2' QUIT; trap 'echo USR1 >&2' USR1
			trap 'exit 9' `+map[syscall.Signal]string{syscall.SIGTERM: "TERM", syscall.SIGHUP: "HUP"}[sig]+`; echo running >&2; while :; do /bin/sleep 0.02; done`)...)
		for range 3 {
			r.signal(os.Interrupt)
			r.await("INT")
		}
		r.signal(syscall.SIGQUIT)
		r.await("QUIT")
		r.signal(syscall.SIGUSR1)
		r.await("USR1")
		require.Empty(t, server.Requests("AccessRequests.Revoke"))
		r.signal(sig)
		require.Equal(t, "Revoked: "+first+"\n", r.end())
		require.Equal(t, 9, r.code())
		requireRevokedOnce(t, server)
	}
}

// The command ends when the access does, when the time is over, and when the program
// is told to end.
func TestCommandIsEnded(t *testing.T) {
	t.Parallel()
	const wait, deaf = "echo running >&2; exec /bin/sleep 60", `trap "" TERM; echo running >&2; while :; do /bin/sleep 0.02; done`
	ended, timeOver := "The access has ended; ending the command.\nEnded: "+first+"\n", "The time has passed; ending the command.\nRevoked: "+first+"\n"
	for name, test := range map[string]struct {
		args []string
		do   func(*running, *aponotest.Server)
		text string
		code int
	}{
		"access ends": {onCallRuns(wait, "-duration", "1h"), func(_ *running, s *aponotest.Server) { s.Advance(time.Hour) }, ended, 143},
		"access ends, TERM ignored": {
			onCallRuns(deaf, "-duration", "1h", "-grace", "300ms"),
			func(_ *running, s *aponotest.Server) { s.Advance(time.Hour) }, ended, 137,
		},
		"access ends, command done": {
			onCallRuns("trap 'exit 0' TERM; echo running >&2; while :; do /bin/sleep 0.02; done", "-duration", "1h"),
			func(_ *running, s *aponotest.Server) { s.Advance(time.Hour) }, ended + "request-access: the access ended before the command\n", 1,
		},
		"time over":                {onCallRuns(wait, "-revoke-after", "3s"), func(*running, *aponotest.Server) {}, timeOver, 143},
		"terminated, TERM ignored": {onCallRuns(deaf, "-grace", "300ms"), func(r *running, _ *aponotest.Server) { r.signal(syscall.SIGTERM) }, "Revoked: " + first + "\n", 137},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, approved)
			r := start(t, process.Env(server), "running", test.args...)
			test.do(r, server)
			require.Equal(t, test.text, r.end())
			require.Equal(t, test.code, r.code())
			require.EqualValues(t, "REVOKED", status(t, server, first))
		})
	}
}

// A command without access details does not run, and the access is revoked.
func TestCommandThatCannotRun(t *testing.T) {
	t.Parallel()
	notExecutable := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(notExecutable, []byte("\x7fELF"), 0o700)) //nolint:gosec // it is to be executable
	for name, test := range map[string]struct {
		operation string
		fault     aponotest.Fault
		times     int
		args      []string
		want      string
	}{
		"details":  {"Sessions.GetAccessDetails", aponotest.Fault{Status: 503}, 1, onCallRuns("echo ran"), "access-details: 503 Service Unavailable"},
		"sessions": {"Sessions.List", aponotest.Fault{Body: `{"items": [], "pagination": {}}`}, math.MaxInt, onCallRuns("echo ran", "-timeout", "500ms"), "the access has no session"},
		"start":    {"", aponotest.Fault{}, 0, onCall("--", notExecutable), "exec format error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, approved)
			if test.operation != "" {
				server.FaultNext(test.operation, test.times, test.fault)
			}
			got := process.Run(t, process.Env(server), test.args...)
			require.Empty(t, got.Stdout)
			require.Contains(t, got.Stderr, test.want)
			require.Contains(t, got.Stderr, "Revoked: "+first+"\nrequest-access: ")
			require.Equal(t, 1, got.Code)
			require.Less(t, len(server.Requests("Sessions.GetAccessDetails")), 3)
			requireRevokedOnce(t, server)
		})
	}
}

// Sessions may appear after the grant, and lists of them may fail for a while.
func TestCommandWaitsForAllSessions(t *testing.T) {
	t.Parallel()
	server := seeded(t)
	server.FaultNext("Sessions.List", 3, aponotest.Fault{Status: 503})
	server.FaultNext("Sessions.List", 1, aponotest.Fault{Body: `{"items": [{"id": "s1", "name": "people db", "request_ids": ["r1"],
		"integration": {"id": "i-people", "name": "people"}, "credentials_status": "AVAILABLE", "can_reset_credentials": true}], "pagination": {}}`})
	got := process.Run(t, process.Env(server), onCallRuns("echo $APONO_SESSION_COUNT $APONO_SESSION_ID $APONO_SESSION_2_ID")...)
	require.Equal(t, "2 s2 s1\n", got.Stdout)
	require.Equal(t, 1, strings.Count(got.Stderr, "Cannot read the access, retrying: "), got.Stderr)
	require.Contains(t, got.Stderr, "Waiting for a session of r1, orders\n")
	require.Zero(t, got.Code)
	require.Len(t, server.Requests("Sessions.GetAccessDetails"), 2)
}

// Access of a program that was killed is revoked by another process, with the IDs that the
// first one has saved.
func TestRevokeAfterKill(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts []aponotest.Option
		line string
		args []string
		was  apono.AccessRequestStatus
	}{
		"granted": {[]aponotest.Option{approved}, holding, onCall("-hold"), "ACTIVE"},
		"command": {[]aponotest.Option{approved}, "running", onCallRuns("echo running >&2; exec /bin/sleep 60"), "ACTIVE"},
		"pending": {nil, strings.TrimSpace(waiting), onCall(), "PENDING"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, test.opts...)
			saved := filepath.Join(t.TempDir(), "requests")
			require.NoError(t, os.WriteFile(saved, []byte("earlier\n"), 0o600))
			server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "earlier", Status: "REVOKED"})
			r := start(t, process.Env(server), test.line, append([]string{"-save", saved}, test.args...)...)
			require.NoError(t, syscall.Kill(-r.Process.Pid, syscall.SIGKILL))
			_ = r.Wait()
			require.Equal(t, -1, r.code())
			require.Equal(t, test.was, status(t, server, first))
			require.Empty(t, server.Requests("AccessRequests.Revoke"))
			data, err := os.ReadFile(saved)
			require.NoError(t, err)
			require.Equal(t, "earlier\n"+first+"\n", string(data))

			for range 2 { // it can be the last step of every job
				got := process.Run(t, process.Env(server), "-revoke", saved)
				require.Equal(t, process.Result{Stderr: "Revoked: earlier\nRevoked: " + first + "\n"}, got)
				require.EqualValues(t, "REVOKED", status(t, server, first))
			}
		})
	}
}

// A write that fails uses up one-time credentials: the program tells which session must be
// reset, and does not use up those of the next one.
func TestLostAccessDetails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		lost int
		code int
	}{
		"granted": {onCall(), 1, 1},
		"held":    {onCall("-revoke-after", "3s"), 1, 1},
		"JSON":    {onCall("-json"), 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, approved, aponotest.WithOneTimeDetails())
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			require.NoError(t, err)
			defer func() { _ = full.Close() }()
			var stderr strings.Builder
			cmd := process.Command(t, process.Env(server), test.args...)
			cmd.Stdout, cmd.Stderr = full, &stderr
			_ = cmd.Run()
			require.Equal(t, test.code, cmd.ProcessState.ExitCode())
			require.Equal(t, test.lost, strings.Count(stderr.String(), "could not be written. One-time credentials may be lost: reset"), stderr.String())
			read := server.Requests("Sessions.GetAccessDetails")
			require.Len(t, read, test.lost)
			for _, request := range read {
				id := strings.Split(strings.TrimSuffix(request.Path, "/access-details"), "/")
				require.Contains(t, stderr.String(), "reset the credentials of session "+id[len(id)-1]+" in the Apono portal, or with Sessions.ResetCredentials.\n")
			}
			require.Contains(t, stderr.String(), "request-access: write /dev/stdout: no space left on device\n")
		})
	}
}

// A script reads the details of all sessions, or gets those of one by its name.
func TestDetailsForScripts(t *testing.T) {
	t.Parallel()
	server := seeded(t)
	got := process.Run(t, process.Env(server), onCall("-json")...)
	require.Zero(t, got.Code, got.Stderr)
	require.JSONEq(t, `[{"id": "s2", "name": "orders db", "integration": "orders", "access_details": {
		"instructions": "secret steps\nin two lines", "custom_admin_message": "secret note", "cli": "connect 'secret cli'",
		"link": {"url": "https://secret.example.com/?a=b", "title": "Secret"}, "newer": {"token": "secret extra", "n": 12345678901234567890},
		"parameters": {"user-name": "secret user", "Passwörd": "secret password=1", "a b": "secret one", "a_b": "secret two", "nul": "secret\u0000zero"}}},
		{"id": "s1", "name": "people db", "integration": "people", "access_details": {"instructions": ""}}]`, got.Stdout)
	require.Contains(t, got.Stdout, "12345678901234567890")

	for _, name := range []string{"people db", "PEOPLE DB", "s1"} {
		server = seeded(t)
		got = process.Run(t, process.Env(server), onCallRuns(`echo $APONO_SESSION_COUNT $APONO_SESSION_ID "$APONO_SESSION_NAME" $APONO_SESSION_2_ID`, "-session", name)...)
		require.Equal(t, process.Result{Stdout: "1 s1 people db\n", Stderr: "Requested: r1\nRevoked: r1\n"}, got)
		require.Len(t, server.Requests("Sessions.GetAccessDetails"), 1)
	}

	server = seeded(t)
	got = process.Run(t, process.Env(server), onCallRuns("echo ran", "-session", "none")...)
	require.Equal(t, process.Result{Stderr: "Requested: r1\nRevoked: r1\nrequest-access: no session has this name; the sessions are:\n" +
		"  orders db: -session s2\n  people db: -session s1\n", Code: 1}, got)
	require.Empty(t, server.Requests("Sessions.GetAccessDetails"))
}

func TestInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Hour: "1 hour", 90 * time.Minute: "90 minutes", 10 * time.Minute: "10 minutes", 90 * time.Second: "90 seconds", 1500 * time.Millisecond: "1.5s",
	} {
		require.Equal(t, want, inWords(d))
	}
}

// What the instructions say is not printed again, unless it is only part of a line.
func TestDescribeSaysEachThingOnce(t *testing.T) {
	t.Parallel()
	details := &apono.AccessSessionDetails{
		Instructions: apono.NewSecret("Run\npsql orders\nwith a port, as in psql"), CLI: new(apono.NewSecret("psql orders")),
		CustomAdminMessage: new("psql"),
	}
	require.Equal(t, "db:\nRun\npsql orders\nwith a port, as in psql\npsql\n", describe(&apono.AccessSession{Name: "db"}, details))
}

func TestNamedSession(t *testing.T) {
	t.Parallel()
	sessions := []*apono.AccessSession{{ID: "s1", Name: "db"}, {ID: "s2", Name: "DB"}, {ID: "s3", Name: "twice"}, {ID: "s4", Name: "twice"}}
	for name, id := range map[string]string{"db": "s1", "DB": "s2", "S3": "s3", "s4": "s4"} {
		got, err := named(name, sessions)
		require.NoError(t, err)
		require.Equal(t, id, got.ID)
	}
	for _, name := range []string{"twice", "Db"} {
		_, err := named(name, sessions)
		require.ErrorContains(t, err, "several sessions have this name; use an ID:\n  db: -session s1\n")
	}
}
