package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

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
