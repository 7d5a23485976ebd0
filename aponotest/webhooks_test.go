package aponotest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/webhook"
)

const webhookValue = "Bearer made-up"

// events collects the events that a handler receives.
type events struct {
	mu  sync.Mutex
	all []webhook.Event
}

func (e *events) handler(fail ...error) http.Handler {
	return webhook.NewHandler("Authorization", webhookValue, func(_ context.Context, event webhook.Event) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.all = append(e.all, event)
		return errors.Join(fail...)
	})
}

// list returns the events so far; more may follow.
func (e *events) list() []webhook.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

func (e *events) types() []webhook.EventType {
	var types []webhook.EventType
	for _, event := range e.list() {
		types = append(types, event.Type())
	}
	return types
}

// is matches deliveries of an event type.
func is(eventType string) func(aponotest.Delivery) bool {
	return func(d aponotest.Delivery) bool { return d.EventType == eventType }
}

// In a bubble, everything that happens to a request arrives in order and in time.
func TestWebhooksFollowAccessRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := new(events)
		server := demoServer(t, aponotest.WithoutNetwork(), aponotest.WithWebhookHandler(got.handler(), "Authorization", webhookValue),
			aponotest.WithApprovalAfter(time.Minute), aponotest.WithProvisioningTime(time.Second))
		started := time.Now()
		status, _ := send(t, server, "POST", requestsPath, goodRequest)
		require.Equal(t, 200, status)
		// Nobody polls: the server's clock alone moves things on.
		last := server.WaitForDelivery(t.Context(), is("AccessRequestExpired"))
		require.Equal(t, time.Minute+time.Second+time.Hour+time.Second, time.Since(started))
		require.Equal(t, requestID(1), last.ID)
		require.Equal(t, 204, last.Status)
		require.Equal(t, []webhook.EventType{"AccessRequestCreated", "AccessRequestApproved", "AccessRequestGranted", "AccessRequestExpired"}, got.types())
		for i, at := range []time.Duration{0, time.Minute, time.Minute + time.Second, time.Hour + time.Minute + 2*time.Second} {
			require.True(t, got.list()[i].Time().Equal(started.Add(at)), "%d: %s", i, got.list()[i].Time())
		}
	})
}

func TestWebhookOfAnAccessRequest(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)
	for name, forms := range map[string][]aponotest.WebhookForm{
		"default": nil, "quoted": {aponotest.WebhookQuoted}, "escaped": {aponotest.WebhookEscaped}, "raw": {aponotest.WebhookRawBreaks},
		"all": {aponotest.WebhookQuoted, aponotest.WebhookEscaped, aponotest.WebhookRawBreaks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := new(events)
			server := demoServer(t, aponotest.WithoutNetwork(), aponotest.WithClock(func() time.Time { return at }),
				aponotest.WithWebhookHandler(got.handler(), "Authorization", webhookValue, forms...))
			justification := "line 1\nline \"2\" & <3>\tC:\\new"
			if name == "all" || name == "raw" {
				justification = strings.ReplaceAll(justification, `"`, "'") // which the template of the form "raw" would not escape
			}
			created, err := server.Client().AccessRequests.Create(t.Context(), apono.CreateAccessRequestInput{
				BundleReference: new("Orders on-call"), Justification: &justification, DurationInSec: new(3600), Grantee: new("user-01-00"),
			})
			require.NoError(t, err)
			id := created[0].ID
			server.Approve(id)
			delivery := server.WaitForDelivery(t.Context(), is("AccessRequestApproved"))
			require.Equal(t, 204, delivery.Status, delivery.Body)
			postgres := webhook.ResourceType{ID: "postgresql-database", Name: "postgresql-database", DisplayPath: "postgresql-database"}
			k8s := webhook.ResourceType{ID: "k8s-roles-namespace", Name: "k8s-roles-namespace", DisplayPath: "k8s-roles-namespace"}
			unit := func(integration string, kind webhook.ResourceType, permission string) webhook.AccessUnit {
				return webhook.AccessUnit{
					Resource:   webhook.Resource{ID: integration + "-" + kind.ID, Name: "orders", Path: "orders", Type: kind},
					Permission: apono.Ref{ID: integration + "-" + kind.ID + "-" + permission, Name: permission},
				}
			}
			const db, cluster = "postgresql-production-orders", "k8s-roles-production-orders"
			want := &webhook.RequestEvent{
				EventType: "AccessRequestApproved", EventTime: at,
				Data: webhook.RequestData{
					ID: id, FriendlyID: got.list()[1].(*webhook.RequestEvent).Data.FriendlyID,
					Requester:     webhook.Person{ID: "token-owner", Name: "Token owner", Email: "token-owner@example.com"},
					Grantee:       webhook.Grantee{ID: "user-01-00", SourceID: "ben.orders@example.com", Name: "Ben of orders", Type: "USER"},
					Justification: justification, CreationDate: at.Truncate(time.Millisecond),
					AccessFlow: apono.Ref{ID: "flow-orders", Name: "Orders on-call"}, AccessBundle: apono.Ref{ID: "bundle-orders", Name: "Orders on-call"},
					AccessDurationInSeconds: 3600,
					AccessGroups: []webhook.AccessGroup{{
						Integration: webhook.Integration{ID: db, Name: db, Type: "postgresql"}, ResourceTypes: []webhook.ResourceType{postgres},
						AccessUnits: []webhook.AccessUnit{unit(db, postgres, "READ_ONLY"), unit(db, postgres, "READ_WRITE")},
					}, {
						Integration: webhook.Integration{ID: cluster, Name: cluster, Type: "k8s-roles"}, ResourceTypes: []webhook.ResourceType{k8s},
						AccessUnits: []webhook.AccessUnit{unit(cluster, k8s, "view"), unit(cluster, k8s, "edit")},
					}},
					ApprovalsLogicalRelation: "ANY_OF",
					Approvals: []webhook.Approval{{
						Name: "ada.orders@example.com", Type: "user", Status: "APPROVED",
						Approver: webhook.Person{ID: "user-00-00", Name: "Ada of orders", Email: "ada.orders@example.com"},
					}},
				},
			}
			require.Equal(t, want, got.list()[1])
			require.Regexp(t, `^AR-\d+$`, want.Data.FriendlyID)
			require.Equal(t, "PENDING", got.list()[0].(*webhook.RequestEvent).Data.Approvals[0].Status)

			// The forms differ.
			quoted, escaped, raw := name == "quoted" || name == "all", name == "escaped" || name == "all", name == "raw" || name == "all"
			require.Equal(t, quoted, strings.Contains(delivery.Body, `"event_time": "1778051289.123456789"`), delivery.Body)
			require.Equal(t, !quoted, strings.Contains(delivery.Body, `"event_time": 1778051289.123456789`), delivery.Body)
			require.Equal(t, quoted, strings.Contains(delivery.Body, `"revocation_date": ""`), delivery.Body)
			require.Equal(t, escaped, strings.Contains(delivery.Body, "&amp; &lt;3&gt;"), delivery.Body)
			require.Equal(t, raw, strings.Contains(delivery.Body, "line 1\nline"), delivery.Body)
			require.Equal(t, raw, strings.Contains(delivery.Body, ">\tC:") || strings.Contains(delivery.Body, ";\tC:"), delivery.Body)
			require.Contains(t, delivery.Body, `C:\\new`)
		})
	}
}

func TestWebhooksOfEveryOutcome(t *testing.T) {
	t.Parallel()
	got := new(events)
	server := demoServer(t, aponotest.WithoutNetwork(), aponotest.WithWebhookHandler(got.handler(), "Authorization", webhookValue), aponotest.WithProvisioningTime(time.Hour))
	client := server.Client()
	var ids []string
	for range 4 {
		created, err := client.AccessRequests.Create(t.Context(), apono.CreateAccessRequestInput{BundleReference: new("Orders on-call"), Justification: new("x")})
		require.NoError(t, err)
		ids = append(ids, created[0].ID)
	}
	server.Reject(ids[0])
	server.Fail(ids[1])
	server.Approve(ids[2])
	server.Fail(ids[2])
	server.Approve(ids[3])
	server.Advance(time.Hour)
	_, err := client.AccessRequests.Revoke(t.Context(), ids[3])
	require.NoError(t, err)
	server.Advance(time.Hour)
	server.WaitForDelivery(t.Context(), is("AccessRequestRevoked"))
	require.Equal(t, []webhook.EventType{
		"AccessRequestCreated", "AccessRequestCreated", "AccessRequestCreated", "AccessRequestCreated",
		"AccessRequestRejected", "AccessRequestFailed", "AccessRequestApproved", "AccessRequestFailed",
		"AccessRequestApproved", "AccessRequestGranted", "AccessRequestRevoked",
	}, got.types())
	require.Equal(t, "REJECTED", got.list()[4].(*webhook.RequestEvent).Data.Approvals[0].Status)
	failed, err := client.AccessRequests.Get(t.Context(), ids[2])
	require.NoError(t, err)
	require.True(t, failed.Status.Failed())
	require.False(t, got.list()[10].(*webhook.RequestEvent).Data.RevocationDate.IsZero())
}

func TestWebhooksOfChanges(t *testing.T) {
	t.Parallel()
	for _, forms := range [][]aponotest.WebhookForm{nil, {aponotest.WebhookQuoted}, {aponotest.WebhookQuoted, aponotest.WebhookEscaped}} {
		got := new(events)
		server := demoServer(t, aponotest.WithoutNetwork(), aponotest.WithWebhookHandler(got.handler(), "Authorization", webhookValue, forms...))
		client := server.Client()
		for _, change := range []struct{ method, path, body string }{
			{"POST", flowsPath, goodFlow}, {"POST", bundlesPath, goodBundle}, {"POST", integrationsPath, goodIntegration},
			{"POST", legacyFlowsPath, strings.Replace(goodFlowV1, `"New"`, `"Legacy"`, 1)},
			{"POST", groupsPath, `{"name": "not audited", "members_emails": []}`}, {"POST", flowsPath, `{}`},
		} {
			send(t, server, change.method, change.path, change.body)
		}
		flow, err := client.AccessFlows.Get(t.Context(), "flow-orders")
		require.NoError(t, err)
		in := flow.UpdateInput()
		in.Name = "Renamed"
		_, err = client.AccessFlows.Update(t.Context(), flow.ID, in)
		require.NoError(t, err)
		require.NoError(t, client.AccessFlows.Delete(t.Context(), flow.ID))
		server.WaitForDelivery(t.Context(), func(d aponotest.Delivery) bool { return d.ID == flow.ID && strings.Contains(d.Body, "DELETE") })

		var summary []string
		for _, event := range got.list() {
			data := event.(*webhook.AuditEvent).Data
			summary = append(summary, data.Action+" "+string(data.TargetType)+" "+data.TargetName)
			require.Equal(t, data.Action != "CREATE", data.PreviousTargetObject.Object != nil)
			require.Equal(t, data.Action != "DELETE", data.CurrentTargetObject.Object != nil)
		}
		require.Equal(t, []string{
			"CREATE Access flow New", "CREATE Bundle New", "CREATE Integration New", "CREATE Access flow Legacy",
			"UPDATE Access flow Renamed", "DELETE Access flow Renamed",
		}, summary)
		update := got.list()[4].(*webhook.AuditEvent).Data
		require.Equal(t, json.Number("3600"), update.CurrentTargetObject.Object["revoke_after_in_sec"])
		require.Equal(t, "Renamed", update.CurrentTargetObject.Object["name"])
		require.Equal(t, "Orders on-call", update.PreviousTargetObject.Object["name"])
		require.Equal(t, "token-owner@example.com", update.ActorID)
		require.True(t, update.Source.Is(webhook.SourceAPI))
		require.Equal(t, "flow-orders", update.TargetID)
	}
}

func TestWebhookOverTheNetwork(t *testing.T) {
	t.Parallel()
	got := new(events)
	receiver := httptest.NewServer(got.handler())
	t.Cleanup(receiver.Close)
	other := make(chan string, 10)
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		other <- r.Method + " " + r.Header.Get("X-Key") + " " + r.Header.Get("Content-Type") + " " + string(body[:1])
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(second.Close)
	server := demoServer(t, aponotest.WithWebhook(receiver.URL, "authorization", webhookValue), aponotest.WithWebhook(second.URL, "x-key", "k"),
		aponotest.WithWebhook("http://127.0.0.1:1", "x-key", "k"))
	status, _ := send(t, server, "POST", requestsPath, goodRequest)
	require.Equal(t, 200, status)
	server.WaitForDelivery(t.Context(), func(d aponotest.Delivery) bool { return d.Err != nil })
	deliveries := server.Deliveries()
	require.Len(t, deliveries, 3)
	require.Equal(t, []int{204, 418, 0}, []int{deliveries[0].Status, deliveries[1].Status, deliveries[2].Status})
	require.Equal(t, "POST k application/json {", <-other)
	require.Equal(t, []webhook.EventType{"AccessRequestCreated"}, got.types())
}

func TestWaitForDeliveryThatDoesNotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := &misuse{TB: t}
		server := aponotest.NewServer(tb, aponotest.WithoutNetwork(), aponotest.WithWebhookHandler(new(events).handler(), "Authorization", webhookValue))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.Panics(t, func() { server.WaitForDelivery(ctx, func(aponotest.Delivery) bool { return true }) })
		require.Equal(t, "aponotest: waiting for a delivery after 0 others: context deadline exceeded", tb.message)
	})
}
