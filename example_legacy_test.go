package apono_test

import (
	"context"
	"fmt"
	"log"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// Version 2 also accepts an e-mail, which is not documented for version 3.
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

// The list has no pages. List returns all connectors.
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

// The list has offsets instead of page tokens. ListAll yields each item exactly once, or
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
	fmt.Println(failing, "integrations have errors")
	// Output: 18 integrations have errors
}

// Version 1 changes only the fields that are set. Version 2 replaces the whole flow.
func ExampleLegacyAccessFlowsService_Update() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	flow, err := client.Legacy.AccessFlows.Update(context.Background(), "flow-orders", apono.UpdateAccessFlowV1Input{
		RevokeAfterInSec: new(2 * 60 * 60),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(flow.Name, flow.Active, flow.RevokeAfterInSec)
	// Output: Orders on-call true 7200
}

// Tags select resources. The tag name "__name" stands for the name of a resource.
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

// The response is one message for all requests. Get returns the state of each.
func ExampleLegacyAccessRequestsService_RevokeMany() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()
	server.Approve("request-ada-pending") // in place of an approver

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
