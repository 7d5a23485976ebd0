package apono_test

import (
	"context"
	"fmt"
	"log"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// Version 2 gets a user by e-mail too, which the newer one does not promise.
func ExampleLegacyUsersService_Get() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	user, err := client.Legacy.Users.Get(context.Background(), "ada.orders@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.ID, user.FirstName, user.Active)
	// Output: user-00-00 Ada true
}

// The list has no pages, so List returns all of it.
func ExampleLegacyConnectorsService_List() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	connectors, err := client.Legacy.Connectors.List(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, connector := range connectors {
		fmt.Println(connector.ConnectorID, connector.Status)
	}
	// Output:
	// production-connector CONNECTED
	// staging-connector CONNECTED
	// development-connector CONNECTED
}

// Older lists count from an offset. ListAll yields each item exactly once, or
// ends with ErrTruncated.
func ExampleLegacyIntegrationsService_ListAll() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	failing := 0
	for integration, err := range client.Legacy.Integrations.ListAll(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if integration.Status == apono.IntegrationStatusV2Error {
			failing++
		}
	}
	fmt.Println(failing, "integrations do not work")
	// Output: 18 integrations do not work
}

// Version 1 changes what the input sets, and leaves the rest as it is; the
// newer one replaces the whole flow.
func ExampleLegacyAccessFlowsService_Update() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	flow, err := client.Legacy.AccessFlows.Update(context.Background(), "flow-orders", apono.UpdateAccessFlowV1Input{
		RevokeAfterInSec: apono.Ptr(2 * 60 * 60),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(flow.Name, flow.Active, flow.RevokeAfterInSec)
	// Output: Orders on-call true 7200
}

// Tags pick resources; "__name" stands for a resource's own name.
func ExampleLegacyAccessBundlesService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	bundle, err := client.Legacy.AccessBundles.Create(context.Background(), apono.CreateAccessBundleV1Input{
		Name: "Orders investigation",
		IntegrationTargets: []apono.AccessTargetIntegrationV1{{
			IntegrationID:       "postgresql-production-orders",
			ResourceType:        "postgresql-database",
			ResourceTagIncludes: []apono.TagV1{{Name: "__name", Value: "orders"}},
			Permissions:         []string{"READ_ONLY"},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bundle.Name, len(bundle.IntegrationTargets))
	// Output: Orders investigation 1
}

// The answer is one message for all, so what became of each has to be read.
func ExampleLegacyAccessRequestsService_RevokeMany() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()
	server.Approve("request-ada-pending") // an approver's part

	ids := []string{"request-ada-active", "request-ada-pending"}
	if _, err := client.Legacy.AccessRequests.RevokeMany(ctx, ids); err != nil {
		log.Fatal(err)
	}
	for _, id := range ids {
		request, err := client.Legacy.AccessRequests.Get(ctx, id)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(request.RequestID, request.Status)
	}
	// Output:
	// request-ada-active EXPIRED
	// request-ada-pending EXPIRED
}
