package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// behind returns the environment for a server of which each request is passed to before
// first.
func behind(t testing.TB, server *aponotest.Server, before func(*http.Request)) []string {
	t.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before(r)
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + front.URL}
}

// scopes writes files of new access scopes and returns their folder.
func scopes(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		write(t, fmt.Sprintf(`{"object": {"name": "scope %02d", "query": "q"}}`, i), dir, fmt.Sprintf("scopes/scope %02d.json", i))
	}
	return dir
}

// meeting holds requests until as many have arrived, and counts those at the same time.
type meeting struct {
	size            int
	mu              sync.Mutex
	running, most   int
	arrived, passed chan struct{}
	complete        sync.Once
}

func newMeeting(size int) *meeting {
	return &meeting{size: size, arrived: make(chan struct{}), passed: make(chan struct{})}
}

// join waits until passed is closed.
func (m *meeting) join() {
	m.mu.Lock()
	m.running++
	m.most = max(m.most, m.running)
	if m.running == m.size {
		m.complete.Do(func() { close(m.arrived) })
	}
	m.mu.Unlock()
	<-m.passed
	m.mu.Lock()
	m.running--
	m.mu.Unlock()
}

func TestChangesOfAKindRunInParallel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		parallel int
		flags    []string
	}{{10, nil}, {3, []string{"-parallel", "3"}}, {1, []string{"-parallel=1"}}} {
		server := aponotest.NewServer(t)
		m := newMeeting(test.parallel)
		env := behind(t, server, func(r *http.Request) {
			if r.Method == http.MethodPost {
				m.join()
			}
		})
		go func() {
			select {
			case <-m.arrived:
				time.Sleep(50 * time.Millisecond) // for one more, which would be a fault
			case <-time.After(20 * time.Second): // they never come, which is one too
			}
			close(m.passed)
		}()
		result := process.Run(t, env, append([]string{"apply", scopes(t, 20), "-yes"}, test.flags...)...)
		require.Zero(t, result.Code)
		require.Equal(t, test.parallel, m.most)
		var want strings.Builder // in order, although they end in any
		for i := range 20 {
			fmt.Fprintf(&want, "created access scope \"scope %02d\" (scopes/scope %02d.json)\n", i, i)
		}
		require.True(t, strings.HasSuffix(result.Stdout, "20 to create, 0 to change, 0 to delete\n"+want.String()), result.Stdout)
	}
	result := process.Run(t, []string{"APONO_TOKEN=t"}, "diff", t.TempDir(), "-parallel", "0")
	require.Equal(t, process.Result{Stderr: "flows-as-code: -parallel must be at least 1; see -h\n", Code: 2}, result)
}

// After an interrupt, calls that run are finished, no other one starts, and the same
// command goes on later.
func TestInterruptDuringApply(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	m := newMeeting(3)
	env := behind(t, server, func(r *http.Request) {
		if r.Method == http.MethodPost {
			m.join()
		}
	})
	dir := scopes(t, 5)
	var stdout, stderr strings.Builder
	cmd := process.Command(t, env, "apply", dir, "-yes", "-parallel", "3")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	<-m.arrived
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	time.Sleep(100 * time.Millisecond) // until the signal has arrived, which nothing shows
	close(m.passed)
	_ = cmd.Wait()
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	require.Len(t, writes(server), 3)
	require.Equal(t, 3, strings.Count(stdout.String(), "\ncreated access scope "))
	require.Equal(t, `Finishing the changes that have started, in 10s at most.
not done: access scope "scope 03" (scopes/scope 03.json)
not done: access scope "scope 04" (scopes/scope 04.json)
3 of 5 changes done, 2 not started; the same command goes on.
flows-as-code: interrupted
`, stderr.String())
	result := process.Run(t, env, "apply", dir, "-yes")
	require.Zero(t, result.Code)
	require.Contains(t, result.Stdout, "2 to create, 0 to change, 0 to delete\n")
	require.Len(t, writes(server), 5)
}

// A failure does not stop other changes, except for those that need the failed one.
func TestFailuresDoNotStopOtherChanges(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")                            // refers to the scope
	edit(t, `"require_approver_reason": false`, `"require_approver_reason": true`, dir, "flows/Orders on-call.json") // fails
	edit(t, `"require_approver_reason": false`, `"require_approver_reason": true`, dir, "flows/Search on-call.json") // does not
	edit(t, `"Every database of the production stage"`, `"All"`, dir, "scopes/Production databases.json")
	server.FaultNext("Scopes.Update", 1, aponotest.Fault{Status: 422, Body: `{"message": "bad query"}`})
	server.FaultNext("AccessFlows.Update", 1, aponotest.Fault{Status: 403, Body: `{"message": "no"}`})
	result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-parallel", "1")
	require.Equal(t, 1, result.Code)
	require.Regexp(t, `^failed: access scope "Production databases" \(scopes/Production databases\.json\): apono: PUT /api/admin/v1/access-scopes/{id}: 422 Unprocessable Entity: bad query.*
not done: access flow "Break glass" \(flows/Break glass\.json\): it needs the change of access scope "Production databases" \(scopes/Production databases\.json\)
failed: access flow "Orders on-call" \(flows/Orders on-call\.json\): apono: PUT /api/admin/v2/access-flows/{id}: 403 Forbidden: no.*
flows-as-code: 1 of 4 changes done, 2 failed, 1 not started: the token needs more permissions
$`, result.Stderr)
	require.True(t, strings.HasSuffix(result.Stdout, "\nchanged access flow \"Search on-call\" (flows/Search on-call.json)\n"), result.Stdout)
	runs(t, server, "apply", dir, "-yes")
	stdout, stderr := runs(t, server, "diff", dir)
	require.Empty(t, stdout+stderr)
}

// An object is not deleted while one that refers to it could not be changed.
func TestDeletionNeedsChangesOfReferrers(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "bundles/Orders on-call.json")))
	edit(t, `"bundle_id": "bundle-orders"`, `"bundle_id": "bundle-payments"`, dir, "flows/Orders on-call.json")
	edit(t, `"bundle_name": "Orders on-call"`, `"bundle_name": "Payments on-call"`, dir, "flows/Orders on-call.json")
	server.FaultNext("AccessFlows.Update", 1, aponotest.Fault{Status: 409, Body: `{}`})
	result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-delete")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "not done: bundle \"Orders on-call\" (bundle-orders): it needs the change of access flow \"Orders on-call\" (flows/Orders on-call.json)\n")
	require.Equal(t, []string{"PUT /api/admin/v2/access-flows/flow-orders"}, writes(server))
}

func TestRejectedTokenStopsApply(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.FaultNext("Scopes.Create", 1, aponotest.Fault{Status: 401, Body: `{"status": "401"}`})
	result := process.Run(t, process.Env(server), "apply", scopes(t, 3), "-yes", "-parallel", "1")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "\nflows-as-code: Apono rejected the token: ")
	require.Len(t, writes(server), 1)
}

// Each object is read right before it is written. What somebody changed while earlier
// objects were written is kept.
func TestObjectChangedDuringApplyIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*testing.T, *apono.Client) error
		want   string
	}{
		"changed": {func(t *testing.T, client *apono.Client) error {
			t.Helper()
			flow, err := client.AccessFlows.Get(t.Context(), "flow-break-glass")
			if err != nil {
				return err
			}
			in := flow.UpdateInput()
			in.Description = new("Ask Ada first")
			_, err = client.AccessFlows.Update(t.Context(), flow.ID, in)
			return err
		}, "it changed in the meantime and was not overwritten: run the command again"},
		"deleted": {func(t *testing.T, client *apono.Client) error {
			t.Helper()
			return client.AccessFlows.Delete(t.Context(), "flow-break-glass")
		}, "it was deleted in the meantime: run the command again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := exportedDemo(t)
			edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
			edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Support shift.json")
			edit(t, `"Every database of the production stage"`, `"All"`, dir, "scopes/Production databases.json")
			var once sync.Once
			env := behind(t, server, func(r *http.Request) {
				if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "access-scopes") {
					once.Do(func() {
						if err := test.change(t, server.Client()); err != nil {
							t.Error(err)
						}
					})
				}
			})
			result := process.Run(t, env, "apply", dir, "-yes")
			require.Equal(t, 1, result.Code)
			require.Contains(t, result.Stderr, "failed: access flow \"Break glass\" (flows/Break glass.json): "+test.want+"\n")
			require.Contains(t, result.Stdout, "\nchanged access flow \"Support shift\" ")
			var flow apono.AccessFlow
			if server.Get(aponotest.AccessFlows, "flow-break-glass", &flow) {
				require.Equal(t, "Ask Ada first", *flow.Description)
			}
		})
	}
}

// Only a 404 of the API means that an object is gone. A gateway may respond with a 404
// for a while.
func TestNotFoundOfGatewayIsFailure(t *testing.T) {
	t.Parallel()
	html := http.Header{"Content-Type": {"text/html"}}
	const page = "<html><title>404 Not Found</title></html>"
	for name, test := range map[string]struct {
		plan func(*aponotest.Server)
		code int
	}{
		"a page when it is read": {func(s *aponotest.Server) {
			s.FaultNext("AccessFlows.Get", 1, aponotest.Fault{Status: 404, Header: html, Body: page})
		}, 1},
		"a page when it is deleted": {func(s *aponotest.Server) {
			s.FaultNext("AccessFlows.Delete", 1, aponotest.Fault{Status: 404, Header: html, Body: page})
		}, 1},
		"JSON when it still exists": {func(s *aponotest.Server) {
			s.FaultNext("AccessFlows.Delete", 1, aponotest.Fault{Status: 404, Body: "{}"})
		}, 1},
		"a page instead of the spaces": {func(s *aponotest.Server) {
			s.FaultNext("Spaces.List", 1, aponotest.Fault{Status: 404, Header: html, Body: page})
		}, 1},
		"nothing instead of the spaces": {func(s *aponotest.Server) { s.FaultNext("Spaces.List", 1, aponotest.Fault{Status: 404}) }, 1},
		"JSON when it is read":          {func(s *aponotest.Server) { s.FaultNext("AccessFlows.Get", 1, aponotest.Fault{Status: 404, Body: "{}"}) }, 0},
		"JSON when it is deleted": {func(s *aponotest.Server) {
			s.FaultNext("AccessFlows.Delete", 1, aponotest.Fault{Status: 404, Body: "{}"})
			s.FaultNext("AccessFlows.Get", 1, aponotest.Fault{After: 1, Status: 404, Body: "{}"})
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := exportedDemo(t)
			require.NoError(t, os.Remove(filepath.Join(dir, "flows/Break glass.json")))
			test.plan(server)
			result := process.Run(t, process.Env(server), "apply", dir, "-yes", "-delete")
			require.Equal(t, test.code, result.Code, result.Stderr)
			require.Equal(t, test.code == 0, strings.Contains(result.Stdout, "\ndeleted access flow \"Break glass\" (flow-break-glass)\n"))
		})
	}
}
