package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// Delay of each response, and calls that the programs make at the same time.
const (
	latency  = 80 * time.Millisecond
	parallel = 10
)

// BenchmarkPrograms measures example programs on a tenant of 3,000 users, 300 groups and
// 300 access flows. x-ideal is the time divided by that of all calls if ten always ran at
// the same time. It cannot reach 1, since the pages of a list follow one another.
func BenchmarkPrograms(b *testing.B) {
	dir := b.TempDir()
	build := exec.CommandContext(b.Context(), "go", "build", "-o", dir, "./examples/offboard", "./examples/flows-as-code", "./examples/access-review")
	build.Dir = ".." // the module of the programs
	out, err := build.CombinedOutput()
	require.NoErrorf(b, err, "%s", out)

	folder := filepath.Join(dir, "tenant")
	for _, bench := range []struct {
		name   string
		tenant func(*testing.B) *aponotest.Server
		args   []string
	}{
		{"offboard", tenant, []string{"offboard", "-user", emailOf(0), "-apply"}},
		{"flows-as-code/300 creates", emptied, []string{"flows-as-code", "apply", "-yes", folder}},
		{"flows-as-code/300 changes", changed, []string{"flows-as-code", "apply", "-yes", folder}},
		{"access-review", tenant, []string{"access-review"}},
	} {
		b.Run("program="+bench.name, func(b *testing.B) {
			if bench.args[0] == "flows-as-code" {
				require.NoError(b, os.RemoveAll(folder))
				runProgram(b, tenant(b), dir, "flows-as-code", "export", folder)
			}
			var elapsed time.Duration
			calls := 0
			for b.Loop() {
				b.StopTimer()
				server := bench.tenant(b)
				server.FaultNext("", math.MaxInt, aponotest.Fault{Latency: latency})
				b.StartTimer()
				started := time.Now()
				runProgram(b, server, dir, bench.args...)
				elapsed += time.Since(started)
				calls += len(server.Requests())
			}
			ideal := time.Duration(calls) * latency / parallel
			b.ReportMetric(elapsed.Seconds()/float64(b.N), "s")
			b.ReportMetric(float64(calls)/float64(b.N), "calls")
			b.ReportMetric(float64(elapsed)/float64(ideal), "x-ideal")
		})
	}
}

// runProgram runs a program with the server, and requires that it succeeds.
func runProgram(b *testing.B, server *aponotest.Server, dir string, args ...string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), filepath.Join(dir, args[0]), args[1:]...)
	cmd.Env = []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + server.URL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoErrorf(b, cmd.Run(), "%s: %s", args[0], &stderr)
}

func emailOf(user int) string { return fmt.Sprintf("user-%04d@example.com", user) }

// tenant returns a large tenant. The first user is a member of 20 groups and 10 spaces and
// has 10 open requests.
func tenant(b *testing.B) *aponotest.Server {
	server := emptied(b)
	for i := range 300 {
		server.Put(aponotest.AccessFlows, flow(i, "as in the files"))
	}
	return server
}

// changed returns the tenant with a change in each access flow.
func changed(b *testing.B) *aponotest.Server {
	server := emptied(b)
	for i := range 300 {
		server.Put(aponotest.AccessFlows, flow(i, "changed"))
	}
	return server
}

// emptied returns the tenant without access flows.
func emptied(b *testing.B) *aponotest.Server {
	b.Helper()
	server := aponotest.NewServer(b)
	person := &apono.IdentityRef{ID: "user-0000", SourceID: emailOf(0)}
	for i := range 3000 {
		id := fmt.Sprintf("user-%04d", i)
		server.Put(aponotest.Users, apono.User{ID: id, Email: emailOf(i), EmailAliases: []string{}, Roles: []apono.UserRole{}})
	}
	for i := range 300 {
		id := fmt.Sprintf("group-%03d", i)
		server.Put(aponotest.Groups, apono.Group{ID: id, Name: id})
		for j := range 30 {
			server.Put(aponotest.MembersOf(id), apono.GroupMember{Email: emailOf(1 + (10*i+j)%2999)})
		}
		if i < 20 {
			server.Put(aponotest.MembersOf(id), apono.GroupMember{Email: emailOf(0)})
		}
	}
	for i := range 10 {
		id := fmt.Sprintf("space-%d", i)
		server.Put(aponotest.Spaces, apono.Space{ID: id, Name: id, SpaceScopes: []apono.SpaceScope{}})
		server.Put(aponotest.SpaceMembersOf(id), apono.SpaceMember{IdentityID: "user-0000", IdentityType: "user", SpaceRoles: []apono.SpaceRole{"SpaceManager"}})
		server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: fmt.Sprintf("request-%d", i), Status: "ACTIVE", Requestor: person})
	}
	server.Put(aponotest.Integrations, apono.Integration{ID: "orders", Name: "orders", Type: "postgresql"})
	return server
}

func flow(i int, description string) apono.AccessFlow {
	id := fmt.Sprintf("flow-%03d", i)
	is := apono.MatchOperatorIs
	return apono.AccessFlow{
		ID: id, Name: id, Description: &description, Active: true, Trigger: apono.AccessFlowTriggerSelfServe,
		RequestorIdentityType: apono.RequestorIdentityTypeHuman,
		Requestors: apono.ConditionGroup{LogicalOperator: apono.LogicalOperatorOr, Conditions: []apono.Condition{
			{Type: apono.ConditionTypeGroup, MatchOperator: &is, Values: []string{fmt.Sprintf("group-%03d", i)}},
		}},
		AccessTargets: []apono.AccessTarget{{Integration: &apono.IntegrationAccessTarget{
			IntegrationID: "orders", IntegrationName: "orders", ResourceType: "postgresql-database", Permissions: []string{"READ_ONLY"},
		}}},
		ApproverPolicy: &apono.ApproverPolicy{ApprovalMode: apono.ApprovalModeAnyOf, ApproverGroups: []apono.ApproverGroup{
			{LogicalOperator: apono.LogicalOperatorOr, Approvers: []apono.Condition{{Type: apono.ConditionTypeUser, MatchOperator: &is, Values: []string{emailOf(1)}}}},
		}},
		GrantDurationInMin: new(60),
		Settings:           apono.AccessFlowSettings{Labels: []string{}},
	}
}
