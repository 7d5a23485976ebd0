package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/wire"
)

// Event is a [*RequestEvent] or an [*AuditEvent].
type Event interface {
	// Key identifies the event: two deliveries of one event have the same key. It is built
	// from the event's type, ID and time, because Apono documents no delivery ID. It is
	// empty if the body lacks the ID or the time.
	Key() string
	// Type returns the event type.
	Type() EventType
	// Time returns when the event happened, or the zero time if the body lacks it.
	Time() time.Time
}

// EventType is the type of an event. Apono documents two spellings for request events,
// such as RequestCreated and AccessRequestCreated, and none for audit events. Compare
// with [EventType.Is]. Other values are passed through.
type EventType string

// The triggers of request events. Manual is an event that an administrator triggers.
const (
	RequestCreated  EventType = "RequestCreated"
	RequestApproved EventType = "RequestApproved"
	RequestRejected EventType = "RequestRejected"
	RequestGranted  EventType = "RequestGranted"
	RequestExpired  EventType = "RequestExpired"
	RequestFailed   EventType = "RequestFailed"
	Manual          EventType = "Manual"
)

// Is reports whether the type is one of others, ignoring case, spaces, punctuation and
// the prefix Access of AccessRequestCreated.
func (t EventType) Is(others ...EventType) bool {
	return isOneOf(t, others, func(text string) string {
		if rest, ok := strings.CutPrefix(text, "accessrequest"); ok {
			return "request" + rest
		}
		return text
	})
}

// Source is where a change came from. Its spelling is not documented. Compare with
// [Source.Is]. Other values are passed through.
type Source string

// The documented sources.
const (
	SourceAPI            Source = "API"
	SourceIntegration    Source = "Integration"
	SourceTerraform      Source = "Terraform"
	SourceWebApplication Source = "Web application"
)

// Is reports whether the source is one of others, ignoring case, spaces and punctuation.
func (s Source) Is(others ...Source) bool { return isOneOf(s, others, nil) }

// TargetType is the kind of object that an audit event is about. Its spelling is not
// documented. Compare with [TargetType.Is]. Other values are passed through.
type TargetType string

// The documented target types. There are more.
const (
	TargetAccessFlow  TargetType = "Access flow"
	TargetBundle      TargetType = "Bundle"
	TargetIntegration TargetType = "Integration"
)

// Is reports whether the type is one of others, ignoring case, spaces and punctuation.
func (t TargetType) Is(others ...TargetType) bool { return isOneOf(t, others, nil) }

func isOneOf[T ~string](value T, others []T, further func(string) string) bool {
	normal := func(t T) string {
		text := strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "", ".", "").Replace(string(t)))
		if further != nil {
			text = further(text)
		}
		return text
	}
	for _, other := range others {
		if normal(value) == normal(other) {
			return true
		}
	}
	return false
}

// RequestEvent is an event in the life of an access request.
type RequestEvent struct {
	EventType EventType   `json:"event_type,omitzero"`
	EventTime time.Time   `json:"event_time,omitzero"`
	Data      RequestData `json:"data"`

	Extra apono.Extra `json:",embed,inline"`
}

// Key implements [Event].
func (e *RequestEvent) Key() string {
	id := e.Data.ID
	if id == "" {
		id = e.Data.FriendlyID
	}
	return key("request", e.EventTime, id, e.EventType)
}

// Type returns EventType.
func (e *RequestEvent) Type() EventType { return e.EventType }

// Time returns EventTime.
func (e *RequestEvent) Time() time.Time { return e.EventTime }

// RequestData is an access request at the time of the event.
type RequestData struct {
	// ID and FriendlyID, such as "123" and "AR-123", both identify the request. Which of
	// them apono.AccessRequestsService.Get accepts is not documented; see the package
	// documentation.
	ID            string    `json:"id,omitzero"`
	FriendlyID    string    `json:"friendly_id,omitzero"`
	Requester     Person    `json:"requester,omitzero"`
	Grantee       Grantee   `json:"grantee,omitzero"`
	Justification string    `json:"justification,omitzero"`
	CreationDate  time.Time `json:"creation_date,omitzero"`
	// RevocationDate is zero if no end is set.
	RevocationDate time.Time `json:"revocation_date,omitzero"`
	AccessFlow     apono.Ref `json:"access_flow,omitzero"`
	// AccessBundle is zero if no bundle was requested.
	AccessBundle            apono.Ref     `json:"access_bundle,omitzero"`
	AccessDurationInSeconds int64         `json:"access_duration_in_seconds,omitzero"`
	AccessGroups            []AccessGroup `json:"access_groups,omitzero"`
	// ApprovalsLogicalRelation says whether one or all approvers must approve. Its
	// spelling is not documented.
	ApprovalsLogicalRelation string     `json:"approvals_logical_relation,omitzero"`
	Approvals                []Approval `json:"approvals,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// Person is a requester or an approver.
type Person struct {
	ID    string `json:"id,omitzero"`
	Name  string `json:"name,omitzero"`
	Email string `json:"email,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// Grantee is who gets the access.
type Grantee struct {
	ID       string `json:"id,omitzero"`
	SourceID string `json:"source_id,omitzero"` // in the identity provider
	Name     string `json:"name,omitzero"`
	Type     string `json:"type,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// AccessGroup is what was requested in one integration.
type AccessGroup struct {
	Integration   Integration    `json:"integration,omitzero"`
	ResourceTypes []ResourceType `json:"resource_types,omitzero"`
	AccessUnits   []AccessUnit   `json:"access_units,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// Integration is the integration of an [AccessGroup].
type Integration struct {
	ID   string `json:"id,omitzero"`
	Type string `json:"type,omitzero"`
	Name string `json:"name,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// ResourceType is a type of resource.
type ResourceType struct {
	ID          string `json:"id,omitzero"`
	Name        string `json:"name,omitzero"`
	DisplayPath string `json:"display_path,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// AccessUnit is a permission to a resource.
type AccessUnit struct {
	Resource   Resource  `json:"resource,omitzero"`
	Permission apono.Ref `json:"permission,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// Resource is the resource of an [AccessUnit].
type Resource struct {
	ID   string       `json:"id,omitzero"`
	Name string       `json:"name,omitzero"`
	Path string       `json:"path,omitzero"`
	Type ResourceType `json:"type,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// Approval is the decision of an approver, or the wait for it. The values of Type and
// Status are not documented.
type Approval struct {
	Name     string `json:"name,omitzero"`
	Type     string `json:"type,omitzero"`
	Status   string `json:"status,omitzero"`
	Approver Person `json:"approver,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// AuditEvent is an entry of the audit log.
type AuditEvent struct {
	EventType EventType `json:"event_type,omitzero"`
	EventTime time.Time `json:"event_time,omitzero"`
	Data      AuditData `json:"data"`

	Extra apono.Extra `json:",embed,inline"`
}

// Key implements [Event]. It also contains the action and the actor, because an action
// can change an object more than once at a time.
func (e *AuditEvent) Key() string {
	return key("audit", e.Time(), e.Data.TargetID, e.EventType, e.Data.TargetType, e.Data.Action, e.Data.ActorID)
}

// Type returns EventType.
func (e *AuditEvent) Type() EventType { return e.EventType }

// Time returns EventTime or, without it, the timestamp of the entry.
func (e *AuditEvent) Time() time.Time {
	if e.EventTime.IsZero() {
		return e.Data.Timestamp
	}
	return e.EventTime
}

// AuditData is the content of an entry of the audit log.
type AuditData struct {
	Timestamp time.Time `json:"timestamp,omitzero"`
	Action    string    `json:"action,omitzero"`
	// ActorID is an e-mail address.
	ActorID    string     `json:"actor_id,omitzero"`
	ActorName  string     `json:"actor_name,omitzero"`
	ActorType  string     `json:"actor_type,omitzero"`
	Source     Source     `json:"source,omitzero"`
	TargetID   string     `json:"target_id,omitzero"`
	TargetType TargetType `json:"target_type,omitzero"`
	TargetName string     `json:"target_name,omitzero"`
	Metadata   FreeForm   `json:"metadata,omitzero"`
	// CurrentTargetObject and PreviousTargetObject are the whole object after and before
	// the change, in the form of an older version of the API.
	CurrentTargetObject  FreeForm `json:"current_target_object,omitzero"`
	PreviousTargetObject FreeForm `json:"previous_target_object,omitzero"`

	Extra apono.Extra `json:",embed,inline"`
}

// FreeForm is an object or a string, depending on the template.
type FreeForm struct {
	// Object is set if the value is an object, or a string that contains the JSON of one.
	Object apono.Object
	// Text is any other string, or the JSON of any other value.
	Text string
}

// UnmarshalJSON reads a value of any type.
func (f *FreeForm) UnmarshalJSON(data []byte) error {
	*f = FreeForm{}
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	if object := (apono.Object)(nil); wire.Unmarshal(repair([]byte(text)), &object) == nil {
		f.Object = object
		return nil
	}
	f.Text = text
	return nil
}

// MarshalJSON writes the object, the text as a string, or null.
func (f FreeForm) MarshalJSON() ([]byte, error) {
	switch {
	case f.Object != nil:
		return wire.MarshalModel(f.Object)
	case f.Text != "":
		return wire.MarshalModel(f.Text)
	}
	return []byte("null"), nil
}

// key joins the parts of a key.
func key(kind string, at time.Time, id string, further ...any) string {
	if id == "" || at.IsZero() {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s %q", kind, at.UTC().Format(time.RFC3339Nano), id)
	for _, part := range further {
		fmt.Fprintf(&text, " %q", part)
	}
	return text.String()
}
