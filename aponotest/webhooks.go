package aponotest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// WebhookForm is a way in which a webhook's template writes values. Without any, times
// are JSON numbers and strings are escaped as JSON requires.
type WebhookForm string

// Forms can be combined.
const (
	WebhookQuoted    WebhookForm = "quoted"     // numbers, times and objects of free form in quotes, "" for null
	WebhookEscaped   WebhookForm = "escaped"    // strings with the entities of Handlebars, such as &quot;
	WebhookRawBreaks WebhookForm = "raw breaks" // line breaks and tabs inside strings as they are
)

// WithWebhook sends events to a URL, one after the other in the order in which they
// happen, as POST requests with a header. The server sends
//
//   - a request event when an access request is created, approved, rejected, granted,
//     revoked, fails (see [Server.Fail]) or ends after its duration
//   - an audit event when an access flow, bundle or integration is created, updated or
//     deleted through the API
//
// [Server.WaitForDelivery] waits for a delivery. The server does not send an event again
// if its delivery fails. Apono documents neither the spelling of event types and actions
// nor an event for revoked requests: see package webhook for what to rely on.
//
// A webhook's approvals and ends of access happen in time even if no request arrives,
// unless [WithClock] is set.
func WithWebhook(url, header, value string, forms ...WebhookForm) Option {
	return func(s *Server) {
		client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		s.webhooks = append(s.webhooks, webhook{header: header, value: value, forms: forms, send: func(ctx context.Context, header http.Header, body string) (int, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
			if err != nil {
				return 0, err
			}
			req.Header = header
			resp, err := client.Do(req)
			if err != nil {
				return 0, err
			}
			defer func() { _ = resp.Body.Close() }()
			_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
			return resp.StatusCode, err
		}})
	}
}

// WithWebhookHandler is [WithWebhook] with a call of the handler for each event, for
// tests without a network, as in a testing/synctest bubble.
func WithWebhookHandler(handler http.Handler, header, value string, forms ...WebhookForm) Option {
	return func(s *Server) {
		s.webhooks = append(s.webhooks, webhook{header: header, value: value, forms: forms, send: func(ctx context.Context, header http.Header, body string) (int, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/", strings.NewReader(body))
			if err != nil {
				return 0, err
			}
			req.Header = header
			w := &recorder{header: http.Header{}}
			if w.serve(handler, req) {
				return 0, errBroken
			}
			return cmp.Or(w.status, http.StatusOK), nil
		}})
	}
}

// Delivery is an event that a server has sent to a webhook.
type Delivery struct {
	EventType string // such as "AccessRequestCreated" or "AuditLog"
	ID        string // of the access request or of the changed object
	Body      string
	Status    int   // of the response
	Err       error // if there was no response
}

type webhook struct {
	header, value string
	forms         []WebhookForm
	send          func(ctx context.Context, header http.Header, body string) (status int, err error)
}

// Deliveries returns the deliveries that have ended, in order. A server of [Start] keeps
// the last 10,000.
func (s *Server) Deliveries() []Delivery {
	s.help()
	defer s.lock()()
	return slices.Clone(s.deliveries.entries)
}

// WaitForDelivery waits until the delivery of an event has ended and returns it. It
// returns the first delivery for which matches returns true, which may have ended before.
// It fails the test if ctx ends before.
func (s *Server) WaitForDelivery(ctx context.Context, matches func(Delivery) bool) Delivery {
	s.help()
	for {
		unlock := s.lock()
		i := slices.IndexFunc(s.deliveries.entries, matches)
		if i >= 0 {
			defer unlock()
			return s.deliveries.entries[i]
		}
		if s.delivered == nil {
			s.delivered = make(chan struct{})
		}
		next, seen := s.delivered, s.deliveries.count
		unlock()
		select {
		case <-next:
		case <-ctx.Done():
			s.fail("waiting for a delivery after %d others: %v", seen, context.Cause(ctx))
		}
	}
}

// announce queues an event for all webhooks. Its data is rendered now.
func (s *Server) announce(eventType, id string, data object) {
	for _, hook := range s.webhooks {
		var body strings.Builder
		hook.write(&body, object{"event_type": eventType, "event_time": s.seconds(s.present), "data": data})
		s.outbox = append(s.outbox, func(ctx context.Context) Delivery {
			d := Delivery{EventType: eventType, ID: id, Body: body.String()}
			d.Status, d.Err = hook.send(ctx, http.Header{"Content-Type": {"application/json"}, http.CanonicalHeaderKey(hook.header): {hook.value}}, d.Body)
			return d
		})
	}
	if len(s.outbox) > 0 && !s.delivering {
		s.delivering = true
		go s.deliver()
	}
}

// deliver sends what is in the outbox, until it is empty or the server is closed.
func (s *Server) deliver() {
	for {
		s.mu.Lock()
		if len(s.outbox) == 0 || s.closing.Err() != nil {
			s.delivering = false
			s.mu.Unlock()
			return
		}
		next := s.outbox[0]
		s.outbox = s.outbox[1:]
		s.mu.Unlock()
		d := next(s.closing)
		s.mu.Lock()
		s.deliveries.add(d, s.tb != nil)
		if s.delivered != nil {
			close(s.delivered)
			s.delivered = nil
		}
		s.mu.Unlock()
	}
}

// seconds returns a time as the templates write it by default.
func (s *Server) seconds(t time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()))
}

// secondsOf is seconds for a time in the form of the API, or nil.
func (s *Server) secondsOf(value any) any {
	text, _ := value.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil
	}
	return s.seconds(t)
}

// handlebars escapes text as Handlebars does.
var handlebars = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;", "`", "&#x60;", "=", "&#x3D;")

// rawBreaks leaves line breaks and tabs of a JSON string unescaped.
var rawBreaks = strings.NewReplacer(`\\`, `\\`, `\"`, `\"`, `\n`, "\n", `\r`, "\r", `\t`, "\t")

// wholeObject is an object that a template writes as a whole.
type wholeObject object

// write writes a value in the forms of the webhook.
func (hook webhook) write(b *strings.Builder, value any) {
	quoted := slices.Contains(hook.forms, WebhookQuoted)
	switch value := value.(type) {
	case wholeObject:
		text := encoded(object(value))
		switch {
		case value == nil:
			hook.write(b, nil)
		case quoted:
			hook.write(b, text)
		default:
			b.WriteString(text)
		}
	case object:
		separator := "{"
		for _, name := range slices.Sorted(maps.Keys(value)) {
			fmt.Fprintf(b, "%s%q: ", separator, name)
			hook.write(b, value[name])
			separator = ", "
		}
		b.WriteString("}")
	case []any:
		b.WriteString("[")
		for i, element := range value {
			if i > 0 {
				b.WriteString(", ")
			}
			hook.write(b, element)
		}
		b.WriteString("]")
	case json.Number:
		if quoted {
			value = `"` + value + `"`
		}
		b.WriteString(value.String())
	case string:
		if slices.Contains(hook.forms, WebhookEscaped) {
			value = handlebars.Replace(value)
		}
		value = encoded(value)
		if slices.Contains(hook.forms, WebhookRawBreaks) {
			value = rawBreaks.Replace(value)
		}
		b.WriteString(value)
	default:
		if quoted && value == nil {
			value = ""
		}
		b.WriteString(encoded(value))
	}
}

// encoded returns the JSON of a value.
func encoded(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // values of the store can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// Triggers of request events. The API documents none for revoked requests.
const (
	createdEvent  = "AccessRequestCreated"
	approvedEvent = "AccessRequestApproved"
	rejectedEvent = "AccessRequestRejected"
	grantedEvent  = "AccessRequestGranted"
	expiredEvent  = "AccessRequestExpired"
	revokedEvent  = "AccessRequestRevoked"
	failedEvent   = "AccessRequestFailed"
	auditEvent    = "AuditLog"
)

// tokenOwner is the user of the token, whom the server does not know.
var tokenOwner = object{"id": "token-owner", "name": "Token owner", "email": "token-owner@example.com"}

// announceRequest sends a request event.
func (s *Server) announceRequest(eventType, requestID string) {
	o := s.store.get(AccessRequests, requestID)
	if len(s.webhooks) == 0 || o == nil {
		return
	}
	requester := tokenOwner
	if id, _ := member(o, "requestor.id").(string); id != "" {
		requester = s.person(id)
	}
	grantee := object{"id": requester["id"], "source_id": requester["email"], "name": requester["name"], "type": "USER"}
	if id, _ := member(o, "grantee.id").(string); id != "" {
		person := s.person(id)
		grantee = object{"id": id, "source_id": member(o, "grantee.source_id"), "name": person["name"], "type": "USER"}
	}
	data := object{
		"id": requestID, "friendly_id": fmt.Sprintf("AR-%d", s.store.place(AccessRequests, requestID)),
		"requester": requester, "grantee": grantee, "justification": o["justification"],
		"creation_date": s.secondsOf(o[creationDate]), "revocation_date": s.secondsOf(o["revocation_date"]),
		"access_flow": nil, "access_bundle": o["bundle"], "access_duration_in_seconds": o["duration_in_sec"],
		"access_groups": s.accessUnits(requestID), "approvals_logical_relation": nil, "approvals": []any{},
	}
	var entitlements []object
	for _, e := range s.store.objects[EntitlementsOf(requestID)] {
		entitlements = append(entitlements, e.object)
	}
	flow := s.store.find(AccessFlows, func(flow object) bool {
		return flow["active"] == true && s.grants(flow, member(o, "bundle.id"), entitlements)
	})
	if flow != nil {
		data["access_flow"] = object{"id": flow["id"], "name": flow["name"]}
		data["approvals_logical_relation"] = member(flow, "approver_policy.approval_mode")
		data["approvals"] = s.approvals(flow, eventType)
	}
	s.announce(eventType, requestID, data)
}

// person returns a user in the form of request events.
func (s *Server) person(id string) object {
	user := s.userByIDOrEmail(id)
	if user == nil {
		return object{"id": id, "name": nil, "email": nil}
	}
	return object{"id": user["id"], "name": fmt.Sprintf("%v %v", user["first_name"], user["last_name"]), "email": user["email"]}
}

// approvals returns the approvers of a flow with their decision. The server does not
// know which of them decided: the first one does.
func (s *Server) approvals(flow object, eventType string) []any {
	decision := map[string]string{createdEvent: "PENDING", rejectedEvent: "REJECTED"}[eventType]
	all := []any{}
	groups, _ := member(flow, "approver_policy.approver_groups").([]any)
	for _, group := range groups {
		approvers, _ := member(group, "approvers").([]any)
		for _, condition := range approvers {
			values, _ := member(condition, "values").([]any)
			for _, value := range values {
				name, _ := value.(string)
				approval := object{"name": name, "type": member(condition, "type"), "status": "PENDING", "approver": nil}
				if member(condition, "type") == aUser {
					approval["approver"] = s.person(name)
				}
				if len(all) == 0 {
					approval["status"] = cmp.Or(decision, "APPROVED")
				}
				all = append(all, approval)
			}
		}
	}
	return all
}

// accessUnits returns what was requested, by integration.
func (s *Server) accessUnits(requestID string) []any {
	groups := []any{}
	byID := map[any]object{}
	for _, e := range s.store.objects[EntitlementsOf(requestID)] {
		id, _ := member(e.object, "integration.id").(string)
		group := byID[id]
		if group == nil {
			group = object{
				"integration":    object{"id": id, "name": member(e.object, "integration.name"), "type": s.store.get(Integrations, id)["type"]},
				"resource_types": []any{}, "access_units": []any{},
			}
			byID[id] = group
			groups = append(groups, group)
		}
		kind := member(e.object, "resource.type.id")
		resourceType := object{"id": kind, "name": member(e.object, "resource.type.label"), "display_path": member(e.object, "resource.type.label")}
		types, _ := group["resource_types"].([]any)
		if !slices.ContainsFunc(types, func(t any) bool { return member(t, "id") == kind }) {
			group["resource_types"] = append(types, resourceType)
		}
		permission := s.store.find(PermissionsOf(id), func(p object) bool {
			return p["resource_type"] == kind && p["name"] == member(e.object, "permission.name")
		})
		units, _ := group["access_units"].([]any)
		group["access_units"] = append(units, object{
			"resource": object{
				"id": member(e.object, "resource.id"), "name": member(e.object, "resource.name"),
				"path": member(e.object, "resource.name"), "type": resourceType,
			},
			"permission": object{"id": permission["id"], "name": member(e.object, "permission.name")},
		})
	}
	return groups
}

// audited are the collections whose changes are audited, by service, with the name of
// their objects and their form in the older API.
var audited = map[string]struct {
	collection Collection
	targetType string
	older      func(*Server, object) object
}{
	"AccessFlows":          {AccessFlows, "Access flow", (*Server).flowV1},
	"Legacy.AccessFlows":   {AccessFlows, "Access flow", (*Server).flowV1},
	"Bundles":              {Bundles, "Bundle", (*Server).bundleV1},
	"Legacy.AccessBundles": {Bundles, "Bundle", (*Server).bundleV1},
	"Integrations":         {Integrations, "Integration", (*Server).integrationV2},
	"Legacy.Integrations":  {Integrations, "Integration", (*Server).integrationV2},
}

// audit calls do, which processes an operation, and announces a change that it made.
func (s *Server) audit(operation string, args []string, do func() (any, *problem)) (any, *problem) {
	dot := strings.LastIndex(operation, ".")
	target, known := audited[operation[:dot]]
	action := map[string]string{"Create": "CREATE", "Update": "UPDATE", "Delete": "DELETE"}[operation[dot+1:]]
	if len(s.webhooks) == 0 || !known || action == "" {
		return do()
	}
	snapshot := func(id string) (form wholeObject, name any) {
		o := s.store.refer(target.collection, id)
		if o == nil {
			return nil, nil
		}
		return wholeObject(target.older(s, s.render(o))), o["name"]
	}
	var id string
	if len(args) > 0 {
		id = args[0]
	}
	before, nameBefore := snapshot(id)
	value, err := do()
	if err != nil {
		return value, err
	}
	if id == "" {
		id, _ = member(value, "id").(string)
	}
	after, nameAfter := snapshot(id)
	s.announce(auditEvent, id, object{
		"timestamp": s.seconds(s.present), "action": action, "source": "API",
		"actor_id": tokenOwner["email"], "actor_name": tokenOwner["name"], "actor_type": "USER",
		"target_id": id, "target_type": target.targetType, "target_name": cmp.Or(nameAfter, nameBefore),
		"metadata": wholeObject{}, "current_target_object": after, "previous_target_object": before,
	})
	return value, err
}
