package apono_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// AvailableAccess returns the ids that a request needs. The server may create several
// requests, here one for each integration.
func ExampleAccessRequestsService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	in := apono.CreateAccessRequestInput{Justification: new("Incident 4711"), DurationInSec: new(30 * 60)}
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

// Only the context limits how long WaitFor waits for an approval.
func ExampleAccessRequestsService_WaitFor() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	requests, err := client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"),
		Justification:   new("Incident 4711"),
	})
	if err != nil {
		log.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for _, request := range requests {
		server.Approve(request.ID) // in place of an approver
		granted, err := client.AccessRequests.WaitFor(waiting, request.ID, apono.UntilGranted)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(granted.Bundle.Name, granted.Status)
	}
	// Output: Orders on-call ACTIVE
}

// During calls the function while access is granted, and revokes the access in every
// case. The function reads the sessions of the access and their access details.
func ExampleAccessRequestsService_During() {
	server, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithApprovalAfter(0)) // approves immediately
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	client := server.Client()

	in := apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"),
		Justification:   new("Incident 4711"),
	}
	err = client.AccessRequests.During(ctx, in, func(ctx context.Context, grant *apono.Grant) error {
		sessions, err := grant.Sessions(ctx)
		if err != nil {
			return err
		}
		for _, session := range sessions {
			details, err := client.Sessions.GetAccessDetails(ctx, session.ID)
			if err != nil {
				return err
			}
			fmt.Println(session.Integration.Name, details.Parameters["username"].Reveal())
		}
		return nil // use the access here
	})
	if remains, ok := errors.AsType[*apono.RevokeError](err); ok {
		fmt.Println("not revoked:", remains.IDs)
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

// Acquire is for access that does not end with a function: that of a controller, or of a
// Terraform resource. The IDs are saved as soon as they exist, so that another process can
// end the access if this one is killed.
func ExampleAccessRequestsService_Acquire() {
	server, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithApprovalAfter(0)) // approves immediately
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	client := server.Client()
	saved := filepath.Join(os.TempDir(), fmt.Sprintf("requests-%d", os.Getpid()))
	defer os.Remove(saved)

	grant, err := client.AccessRequests.Acquire(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"),
		Justification:   new("Incident 4711"),
	}, apono.AcquireOptions{OnCreated: func(ids []string) error {
		return os.WriteFile(saved, []byte(strings.Join(ids, "\n")), 0o600)
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(grant.Requests()[0].Status) // use the access here
	if err := grant.Revoke(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: ACTIVE
}

// A second process uses the access of an ID that the first one has saved. It does not
// revoke what it has not requested.
func ExampleAccessRequestsService_Adopt() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := server.Client()

	saved := "request-ada-active"
	grant, err := client.AccessRequests.Adopt(ctx, []string{saved})
	switch {
	case errors.Is(err, apono.ErrRequestRevoked):
		log.Fatal("the access has ended: request it again")
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(grant, grant.Requests()[0].Status)
	// Output: [request-ada-active] ACTIVE
}

// A program that needs access for a moment uses what it has already, and requests access
// only if there is none. It does not revoke access that it adopted, because somebody else
// may use it.
func ExampleAccessRequestsService_Adopt_reuse() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := server.Client()

	const bundle = "Orders on-call"
	mine := apono.ListAccessRequestsOptions{Requestor: "user-00-00"}
	for request, err := range client.AccessRequests.ListAll(ctx, mine) {
		if err != nil {
			log.Fatal(err)
		}
		if !request.Status.Granted() || request.Bundle == nil || request.Bundle.Name != bundle {
			continue
		}
		grant, err := client.AccessRequests.Adopt(ctx, []string{request.ID})
		if err != nil {
			continue // it has just ended
		}
		fmt.Println("reusing", grant)
		return
	}
	fmt.Println("requesting", bundle) // with During
	// Output: reusing [request-ada-active]
}

// The cleanup step of a CI job ends what a killed step has left. Requests that have ended
// before are no error.
func ExampleAccessRequestsService_EnsureRevoked() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	saved := []string{"request-ada-active", "request-ada-pending"} // by OnCreated of Acquire or During
	err = client.AccessRequests.EnsureRevoked(context.Background(), saved...)
	if remains, ok := errors.AsType[*apono.RevokeError](err); ok {
		log.Fatal("revoke in the Apono portal: ", remains.IDs)
	}
	for _, id := range saved {
		request, err := client.AccessRequests.Get(context.Background(), id)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(id, request.Status)
	}
	// Output:
	// request-ada-active REVOKED
	// request-ada-pending REVOKED
}

// Sessions waits until the access can be used. Some integrations may have no session, so
// the sessions that there are can be used after an error that lists the others.
func ExampleGrant_Sessions() {
	server, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithApprovalAfter(0))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := server.Client()

	grant, err := client.AccessRequests.Acquire(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"),
		Justification:   new("Incident 4711"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer grant.Revoke(ctx)
	sessions, err := grant.Sessions(ctx)
	if late, ok := errors.AsType[*apono.WaitError](err); ok {
		for _, missing := range late.Missing {
			fmt.Println("no session in", missing.Integration.Name)
		}
	} else if err != nil {
		log.Fatal(err)
	}
	for _, session := range sessions {
		fmt.Println(session.Integration.Name)
	}
	// Output:
	// postgresql-production-orders
	// k8s-roles-production-orders
}

// Revoke does not wait until the access has ended. WaitFor with UntilRevoked does.
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

// A function that calls UntilGranted can add conditions that end the wait. This one fails
// if the request needs a second factor, which an unattended job cannot provide.
func ExampleUntilGranted() {
	server, err := aponotest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Put(aponotest.AccessRequests, apono.AccessRequest{ID: "r1", Status: apono.AccessRequestStatusPendingMFA})
	client := server.Client()

	errMFA := errors.New("a second factor is required")
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
	// apono: waiting for access request r1: a second factor is required; its last status was PENDING_MFA
}

// The error of a wait holds the request as it was last read.
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
		fmt.Println("rejected")
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("still pending")
	}
	var ended *apono.WaitError
	if errors.As(err, &ended) && ended.Request != nil {
		fmt.Println(ended.Request.Status)
	}
	// Output:
	// rejected
	// REJECTED
}

// A granted request has sessions. Reading the access details of a session may use up
// one-time credentials.
func ExampleSessionsService_GetAccessDetails() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()
	server.Approve("request-ada-pending") // in place of an approver

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
		fmt.Println(details.Instructions.Reveal())
	}
	// Output:
	// postgresql-production-orders
	// Connect to postgresql-production-orders as apono-user with the password made-up-1.
}

// Secrets print redacted.
func ExampleSecret() {
	details := apono.AccessSessionDetails{
		Instructions: apono.NewSecret("Connect with the password made-up-1."),
		Parameters:   map[string]apono.Secret{"username": apono.NewSecret("ada"), "password": apono.NewSecret("made-up-1")},
	}
	fmt.Println(details.Parameters)
	fmt.Println(details.Parameters["password"].Reveal())
	// Output:
	// map[password:[redacted] username:[redacted]]
	// made-up-1
}

// Resetting replaces credentials that were used up or lost.
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

// List the entitlements that the owner of the token may request in one database server.
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

// Request access on behalf of another user, and list the requests for that user.
func ExampleDelegatedRequestsService_ListAll() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()
	_, err = client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"),
		Grantee:         new("ben.orders@example.com"),
		Justification:   new("Incident 4711"),
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
