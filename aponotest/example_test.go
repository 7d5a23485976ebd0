package aponotest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// disable is a function under test. It deactivates the access flows without approvers.
func disable(ctx context.Context, client *apono.Client) (changed int, err error) {
	for flow, err := range client.AccessFlows.ListAll(ctx) {
		if err != nil {
			return changed, err
		}
		if !flow.Active || flow.ApproverPolicy != nil {
			continue
		}
		in := flow.UpdateInput()
		in.Active = false
		if _, err := client.AccessFlows.Update(ctx, flow.ID, in); err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}

// A test would call NewServer(t) instead of Start and Close.
func Example() {
	server, err := aponotest.Start(aponotest.WithPageSize(1))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	flow := apono.AccessFlow{
		ID: "f1", Name: "On-call", Active: true, Trigger: apono.AccessFlowTriggerSelfServe,
		Requestors: apono.ConditionGroup{
			LogicalOperator: "OR", Conditions: []apono.Condition{{Type: "team", Values: []string{"orders"}}},
		},
		AccessTargets: []apono.AccessTarget{{QueryTarget: &apono.QueryTarget{Query: `resource_type = "ssh-server"`}}},
	}
	server.Put(aponotest.AccessFlows, flow)
	flow.ID, flow.Name = "f2", "Emergency"
	flow.ApproverPolicy = &apono.ApproverPolicy{ApprovalMode: "ANY_OF"}
	server.Put(aponotest.AccessFlows, flow)

	fmt.Println(disable(context.Background(), server.Client()))
	fmt.Println(server.Get(aponotest.AccessFlows, "f1", &flow), flow.Active)
	fmt.Println(server.Get(aponotest.AccessFlows, "f2", &flow), flow.Active)
	fmt.Println(len(server.Requests("AccessFlows.List")), "pages,", len(server.Requests("AccessFlows.Update")), "update")
	// Output:
	// 1 <nil>
	// true false
	// true true
	// 2 pages, 1 update
}

// If the response to an access request is lost, the server may have processed the
// request. The client does not retry it.
func ExampleServer_FaultNext_lost() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("AccessRequests.Create", 1, aponotest.Fault{Break: aponotest.ResponseLost})

	_, err = server.Client().AccessRequests.Create(context.Background(), apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"),
	})
	var broken *apono.TransportError
	fmt.Println(errors.As(err, &broken) && broken.MaybeSent)
	fmt.Println(len(server.Requests("AccessRequests.Create")), "request")
	// Output:
	// true
	// 1 request
}

func ExampleServer_FaultNext() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultNext("Groups.Get", 1, aponotest.Fault{Status: http.StatusForbidden, Body: `{"message": "not yours"}`})

	_, err = server.Client().Groups.Get(context.Background(), "group-orders")
	fmt.Println(errors.Is(err, apono.ErrForbidden))
	fmt.Println(err)
	// Output:
	// true
	// apono: GET /api/admin/v1/groups/{id}: 403 Forbidden: not yours, request ID fake-1
}

func ExampleServer_Approve() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()
	requests, err := client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"),
		Justification:   new("Incident 4711"),
		DurationInSec:   new(3600),
	})
	if err != nil {
		log.Fatal(err)
	}
	id := requests[0].ID
	fmt.Println(requests[0].Status)

	server.Approve(id)
	granted, err := client.AccessRequests.WaitFor(ctx, id, apono.UntilGranted)
	fmt.Println(granted.Status, err)

	server.Advance(time.Hour)
	revoked, err := client.AccessRequests.WaitFor(ctx, id, apono.UntilRevoked)
	fmt.Println(revoked.Status, err)
	// Output:
	// PENDING
	// ACTIVE <nil>
	// REVOKED <nil>
}

// A program can resume a list from the token of the last page that it processed.
func ExampleWithPageSize() {
	server, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithPageSize(4))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, groups := context.Background(), server.Client().Groups

	page, err := groups.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Items), "groups, and more to come:", page.NextPageToken != "")
	rest, err := apono.Collect(groups.ListAll(ctx, apono.ListGroupsOptions{PageToken: page.NextPageToken}))
	fmt.Println(len(rest), "groups,", err)
	// Output:
	// 4 groups, and more to come: true
	// 7 groups, <nil>
}
