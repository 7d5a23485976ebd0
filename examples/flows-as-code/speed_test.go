package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

const latency = 80 * time.Millisecond

// largeTenant returns a server with 3,000 users and 300 groups, and a client of it.
func largeTenant(tb testing.TB) *aponotest.Server {
	tb.Helper()
	server := aponotest.NewServer(tb)
	for i := range 3000 {
		server.Put(aponotest.Users, apono.User{ID: fmt.Sprint("user-", i), Email: fmt.Sprintf("user%d@example.com", i), FirstName: "User", LastName: fmt.Sprint(i), Active: true})
	}
	for i := range 300 {
		server.Put(aponotest.Groups, apono.Group{ID: fmt.Sprint("group-", i), Name: fmt.Sprint("Group ", i)})
		server.Put(aponotest.Scopes, apono.AccessScope{ID: fmt.Sprint("scope-", i), Name: fmt.Sprint("Scope ", i), Query: "q"})
	}
	return server
}

const largeFlow = `{"object": {"name": "Flow %[1]d", "active": true, "trigger": "SELF_SERVE", "requestor_identity_type": "HUMAN", "request_for_others": false,
	"requestors": {"logical_operator": "OR", "conditions": [{"type": "group", "match_operator": "is", "values": ["group-%[1]d"]}]},
	"access_targets": [{"access_scope": {"access_scope_id": "scope-%[1]d", "access_scope_name": "Scope %[1]d"}}],
	"settings": {"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false, "require_mfa": false, "labels": []}}}`

// Run with: go test ./examples/flows-as-code -run '^$' -bench LargeTenant -benchtime 1x.
func BenchmarkLargeTenant(b *testing.B) {
	server := largeTenant(b)
	env := behind(b, server, func(*http.Request) { time.Sleep(latency) })
	dir := b.TempDir()
	for i := range 300 {
		write(b, fmt.Sprintf(largeFlow, i), dir, fmt.Sprintf("flows/Flow %d.json", i))
	}
	run := func(name string, calls int, args ...string) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				started := time.Now()
				result := process.Run(b, env, args...)
				require.Contains(b, []int{0, 3}, result.Code, result.Stderr)
				b.ReportMetric(time.Since(started).Seconds(), "s")
				b.ReportMetric(time.Since(started).Seconds()/(float64(calls)*latency.Seconds()/10), "of-ideal")
				lines := strings.Split(strings.TrimSpace(result.Stdout), "\n")
				b.Logf("%s (exit code %d)", lines[len(lines)-1], result.Code)
			}
		})
	}
	run("create", 300, "apply", dir, "-yes")
	files, err := filepath.Glob(filepath.Join(dir, "flows", "*.json"))
	require.NoError(b, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(b, err)
		write(b, strings.Replace(string(text), `"require_mfa": false`, `"require_mfa": true`, 1), name)
	}
	run("change", 600, "apply", dir, "-yes")
	run("diff", 9, "diff", dir)
	run("export", 9, "export", b.TempDir())
	for _, name := range files {
		require.NoError(b, os.Remove(name))
	}
	run("delete", 600, "apply", dir, "-yes", "-delete")
}
