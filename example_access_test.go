package apono_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// What may be requested has the ids that a request needs. One submission may
// become several requests.
func ExampleAccessRequestsService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	in := apono.CreateAccessRequestInput{Justification: apono.Ptr("Incident 4711"), DurationInSec: apono.Ptr(30 * 60)}
	options := apono.ListAvailableEntitlementsOptions{
		ResourceTypeID: []string{"mysql-database"}, ResourceName: "orders", PermissionName: []string{"READ_ONLY"},
	}
	for entitlement, err := range client.AvailableAccess.ListAllEntitlements(ctx, options) {
		if err != nil {
			log.Fatal(err)
		}
		in.Entitlements = append(in.Entitlements, apono.CreateAccessRequestEntitlement{
			ResourceID: entitlement.Resource.ID, PermissionID: entitlement.Permission.ID,
		})
	}
	requests, err := client.AccessRequests.Create(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	for _, request := range requests {
		fmt.Println(request.Status, request.AccessGroups[0].Integration.Name)
	}
	// Output:
	// PENDING mysql-production-orders
	// PENDING mysql-staging-orders
	// PENDING mysql-development-orders
}

// WaitFor has no limit but its context: people approve when they do.
func ExampleAccessRequestsService_WaitFor() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	requests, err := client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: apono.Ptr("Orders on-call"),
		Justification:   apono.Ptr("Incident 4711"),
	})
	if err != nil {
		log.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for _, request := range requests {
		server.Approve(request.ID) // an approver's part
		granted, err := client.AccessRequests.WaitFor(waiting, request.ID, apono.UntilGranted)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(granted.Bundle.Name, granted.Status)
	}
	// Output: Orders on-call ACTIVE
}

// During requests access, waits for it, calls a function, and revokes the access
// whatever happens. The function gets the sessions that came with the access, and
// how to connect.
func ExampleAccessRequestsService_During() {
	server, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithApprovalAfter(0)) // nobody has to approve
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	client := server.Client()

	in := apono.CreateAccessRequestInput{
		BundleReference: apono.Ptr("Orders on-call"),
		Justification:   apono.Ptr("Incident 4711"),
	}
	err = client.AccessRequests.During(ctx, in, func(ctx context.Context, requests []*apono.AccessRequest) error {
		var options apono.ListSessionsOptions
		for _, request := range requests {
			options.RequestIDs = append(options.RequestIDs, request.ID)
		}
		for session, err := range client.Sessions.ListAll(ctx, options) {
			if err != nil {
				return err
			}
			details, err := client.Sessions.GetAccessDetails(ctx, session.ID)
			if err != nil {
				return err
			}
			fmt.Println(session.Integration.Name, details.Parameters["username"])
		}
		return nil // what needs the access goes here
	})
	var left *apono.RevokeError
	if errors.As(err, &left) {
		fmt.Println("somebody has to revoke", left.IDs)
	}
	if err != nil {
		log.Fatal(err)
	}
	revoked := server.Requests("AccessRequests.Revoke")
	fmt.Println(len(revoked), "revoked")
	// Output:
	// postgresql-production-orders apono-user
	// k8s-roles-production-orders apono-user
	// 1 revoked
}

// Revoke orders the end of access; UntilRevoked waits for it.
func ExampleAccessRequestsService_Revoke() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := server.Client()

	if _, err := client.AccessRequests.Revoke(ctx, "request-ada-active"); err != nil {
		log.Fatal(err)
	}
	request, err := client.AccessRequests.WaitFor(ctx, "request-ada-active", apono.UntilRevoked)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(request.Status)
	// Output: REVOKED
}

// A function of one's own adds to what a wait ends with: a job without a person
// cannot give a second factor.
func ExampleUntilGranted() {
	server, err := aponotest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r1", Status: apono.AccessRequestStatusPendingMFA})
	client := server.Client()

	errMFA := errors.New("somebody has to give a second factor")
	_, err = client.AccessRequests.WaitFor(context.Background(), "r1", func(r *apono.AccessRequest) (bool, error) {
		if r.Status.Is(apono.AccessRequestStatusPendingMFA) {
			return false, errMFA
		}
		return apono.UntilGranted(r)
	})
	fmt.Println(errors.Is(err, errMFA))
	fmt.Println(err)
	// Output:
	// true
	// apono: waiting for an access request: somebody has to give a second factor; its last status was PENDING_MFA
}

// A wait that fails has the request as it was last seen.
func ExampleWaitError() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Reject("request-ada-pending")
	client := server.Client()

	_, err = client.AccessRequests.WaitFor(context.Background(), "request-ada-pending", apono.UntilGranted)
	switch {
	case errors.Is(err, apono.ErrRequestRejected):
		fmt.Println("somebody said no")
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("nobody has decided yet")
	}
	var ended *apono.WaitError
	if errors.As(err, &ended) && ended.Request != nil {
		fmt.Println(ended.Request.Status)
	}
	// Output:
	// somebody said no
	// REJECTED
}

// Sessions come with the grant of a request. Reading the access details of one
// may use up one-time credentials.
func ExampleSessionsService_GetAccessDetails() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()
	server.Approve("request-ada-pending") // an approver's part

	sessions := client.Sessions.ListAll(ctx, apono.ListSessionsOptions{RequestIDs: []string{"request-ada-pending"}})
	for session, err := range sessions {
		if err != nil {
			log.Fatal(err)
		}
		details, err := client.Sessions.GetAccessDetails(ctx, session.ID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(session.Integration.Name)
		fmt.Println(details.Instructions) // printing details itself shows nothing
	}
	// Output:
	// postgresql-production-orders
	// Connect to postgresql-production-orders as apono-user with the password made-up-1.
}

// Credentials do not get into a log by accident: whoever wants them says so.
func ExampleAccessSessionDetails() {
	details := apono.AccessSessionDetails{
		Instructions: "Connect with the password made-up-1.",
		Parameters:   apono.Secrets{"username": "ada", "password": "made-up-1"},
	}
	fmt.Println(details)
	fmt.Println(details.Parameters)
	fmt.Println(details.Parameters["username"], details.Parameters["password"])

	everything, err := json.Marshal(details.Reveal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(everything))
	// Output:
	// [redacted]
	// map[password:[redacted] username:[redacted]]
	// ada made-up-1
	// {"instructions":"Connect with the password made-up-1.","parameters":{"password":"made-up-1","username":"ada"}}
}

// New credentials take the place of those that were used up or lost.
func ExampleSessionsService_ResetCredentials() {
	server, err := aponotest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Put(aponotest.Sessions, apono.AccessSession{
		ID: "s1", CredentialsStatus: apono.CredentialsStatusViewed, CanResetCredentials: true,
	})
	ctx, client := context.Background(), server.Client()

	session, err := client.Sessions.Get(ctx, "s1")
	if err != nil {
		log.Fatal(err)
	}
	if !session.CanResetCredentials {
		log.Fatal("the credentials of this session cannot be reset")
	}
	if _, err := client.Sessions.ResetCredentials(ctx, session.ID); err != nil {
		log.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	session, err = client.Sessions.WaitFor(waiting, session.ID, apono.UntilCredentialsAvailable)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.CredentialsStatus)
	// Output: AVAILABLE
}

// What the person whose token it is may request in one database.
func ExampleAvailableAccessService_ListAllEntitlements() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	options := apono.ListAvailableEntitlementsOptions{
		IntegrationName: "postgresql-production-orders",
		ResourceTypeID:  []string{"postgresql-database"},
	}
	for entitlement, err := range client.AvailableAccess.ListAllEntitlements(context.Background(), options) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entitlement.Resource.Type.ID, entitlement.Resource.Name, entitlement.Permission.Name)
	}
	// Output:
	// postgresql-database orders READ_ONLY
	// postgresql-database orders READ_WRITE
	// postgresql-database orders ADMIN
}

// Access is requested for Ben, and the requests for Ben are listed.
func ExampleDelegatedRequestsService_ListAll() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()
	_, err = client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: apono.Ptr("Orders on-call"),
		Grantee:         apono.Ptr("ben.orders@example.com"),
		Justification:   apono.Ptr("Incident 4711"),
	})
	if err != nil {
		log.Fatal(err)
	}

	options := apono.ListDelegatedRequestsOptions{Grantee: "ben.orders@example.com"}
	for request, err := range client.DelegatedRequests.ListAll(ctx, options) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(request.Grantee.SourceID, request.Status, request.Bundle.Name)
	}
	// Output: ben.orders@example.com PENDING Orders on-call
}
