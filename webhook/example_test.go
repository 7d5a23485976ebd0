package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/webhook"
)

// A handler prints who approved a request, which no operation of the API tells.
func ExampleNewHandler() {
	handle := func(_ context.Context, event webhook.Event) error {
		request, ok := event.(*webhook.RequestEvent)
		if !ok || !request.EventType.Is(webhook.RequestApproved) {
			return nil
		}
		for _, approval := range request.Data.Approvals {
			fmt.Println(request.Data.FriendlyID, approval.Status, "by", approval.Approver.Email)
		}
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("/apono", webhook.NewHandler("Authorization", "Bearer some-secret", handle, webhook.WithoutDuplicates()))

	// As Apono would.
	r := httptest.NewRequest(http.MethodPost, "/apono", strings.NewReader(`{
		"event_type": "AccessRequestApproved",
		"event_time": 1696263265.851898000,
		"data": {"id": "123", "friendly_id": "AR-123", "approvals": [{"status": "APPROVED", "approver": {"email": "ada@example.com"}}]}
	}`))
	r.Header.Set("Authorization", "Bearer some-secret")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// AR-123 APPROVED by ada@example.com
	// 204
}

func ExampleParse() {
	event, err := webhook.Parse([]byte(`{
		"event_time": "1696263265.851898000",
		"data": {"action": "UPDATE", "actor_id": "ada@example.com", "target_type": "ACCESS_FLOW", "target_name": "On call"}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if audit, ok := event.(*webhook.AuditEvent); ok && audit.Data.TargetType.Is(webhook.TargetAccessFlow) {
		fmt.Println(event.Time(), audit.Data.ActorID, audit.Data.Action, audit.Data.TargetName)
	}
	// Output: 2023-10-02 16:14:25.851898 +0000 UTC ada@example.com UPDATE On call
}

// A test of a handler: the server approves a request and calls the handler, which is
// done when WaitForDelivery returns.
func ExampleNewHandler_test() {
	approved := make(chan string, 1)
	handler := webhook.NewHandler("Authorization", "Bearer some-secret", func(_ context.Context, event webhook.Event) error {
		if request, ok := event.(*webhook.RequestEvent); ok && request.EventType.Is(webhook.RequestApproved) {
			approved <- request.Data.AccessBundle.Name
		}
		return nil
	})
	server, err := aponotest.Start( // in a test: aponotest.NewServer(t,
		aponotest.WithDemoTenant(), aponotest.WithoutNetwork(),
		aponotest.WithWebhookHandler(handler, "Authorization", "Bearer some-secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx := context.Background()
	requests, err := server.Client().AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"), Justification: new("Incident 4711"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Approve(requests[0].ID)
	server.WaitForDelivery(ctx, func(d aponotest.Delivery) bool { return d.EventType == "AccessRequestApproved" })
	fmt.Println(<-approved)
	// Output: Orders on-call
}
