package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// ActivityService reads what happened: requests, grants and revocations.
//
// API section: Activity, see https://docs.apono.io.
type ActivityService struct{ client *Client }

var listActivity = operation.New("Activity.List", http.MethodGet, "/api/v3/activity")

// ReportField is a column of activity.
type ReportField string

// The columns. Rows hold what was asked for; columns that are no field of
// [ActivityEntry] come in its Extra.
const (
	// ReportFieldRequestID is the request's id.
	ReportFieldRequestID ReportField = "request_id"
	// ReportFieldRequestDate is when it was made.
	ReportFieldRequestDate ReportField = "request_date"
	// ReportFieldRequestGrantDate is when it was granted.
	ReportFieldRequestGrantDate ReportField = "request_grant_date"
	// ReportFieldRequestRevokeDate is when it was revoked.
	ReportFieldRequestRevokeDate ReportField = "request_revoke_date"
	// ReportFieldRequestorName is who asked.
	ReportFieldRequestorName ReportField = "requestor_name"
	// ReportFieldRequestorEmail is the requestor's address.
	ReportFieldRequestorEmail ReportField = "requestor_email"
	// ReportFieldGranteeName is who received.
	ReportFieldGranteeName ReportField = "grantee_name"
	// ReportFieldGranteeID is the grantee's id.
	ReportFieldGranteeID ReportField = "grantee_id"
	// ReportFieldGranteeType is the kind of grantee.
	ReportFieldGranteeType ReportField = "grantee_type"
	// ReportFieldIntegration is the integration.
	ReportFieldIntegration ReportField = "integration"
	// ReportFieldResources are the resources.
	ReportFieldResources ReportField = "resources"
	// ReportFieldResourceType is the type of the resources.
	ReportFieldResourceType ReportField = "resource_type"
	// ReportFieldPermissions are the permissions.
	ReportFieldPermissions ReportField = "permissions"
	// ReportFieldApproverNames are who approved.
	ReportFieldApproverNames ReportField = "approver_names"
	// ReportFieldApproverEmails are the approvers' addresses.
	ReportFieldApproverEmails ReportField = "approver_emails"
	// ReportFieldApproverTypes are the kinds of approvers.
	ReportFieldApproverTypes ReportField = "approver_types"
	// ReportFieldJustification is the requestor's reason.
	ReportFieldJustification ReportField = "justification"
	// ReportFieldStatus is the state of the request.
	ReportFieldStatus ReportField = "status"
	// ReportFieldApproverReason is the approver's reason.
	ReportFieldApproverReason ReportField = "approver_reason"
	// ReportFieldResourcesStatus is the state of the resources.
	ReportFieldResourcesStatus ReportField = "resources_status"
	// ReportFieldTriggerType is how access came about.
	ReportFieldTriggerType ReportField = "trigger_type"
	// ReportFieldAccessFlow is the access flow.
	ReportFieldAccessFlow ReportField = "access_flow"
	// ReportFieldBundleName is the bundle.
	ReportFieldBundleName ReportField = "bundle_name"
	// ReportFieldExtensionCount is how often access was extended.
	ReportFieldExtensionCount ReportField = "extension_count"
)

// ActivityEntry is one row of activity. Which fields it has follows from the
// fields that were asked for.
type ActivityEntry struct {
	// RequestID is the request's id.
	RequestID *string `json:"request_id,omitzero"`
	// RequestDate is when it was made. Its form is not documented.
	RequestDate *string `json:"request_date,omitzero"`
	// RequestorName is who asked.
	RequestorName *string `json:"requestor_name,omitzero"`
	// RequestorEmail is the requestor's address.
	RequestorEmail *string `json:"requestor_email,omitzero"`
	// Integration is the integration.
	Integration *string `json:"integration,omitzero"`
	// ResourceType is the type of the resources.
	ResourceType *string `json:"resource_type,omitzero"`
	// Resources are the resources.
	Resources []string `json:"resources,omitzero"`
	// Permissions are the permissions.
	Permissions []string `json:"permissions,omitzero"`
	// Justification is the requestor's reason.
	Justification *string `json:"justification,omitzero"`
	// Status is the state of the request.
	Status *string `json:"status,omitzero"`
	// TriggerType is how access came about.
	TriggerType *string `json:"trigger_type,omitzero"`
	// AccessFlow is the access flow.
	AccessFlow *string `json:"access_flow,omitzero"`
	// ExtensionCount is how often access was extended, as text.
	ExtensionCount *string `json:"extension_count,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListActivityOptions filters and pages the activity. Of several values in a
// filter one must match, and all filters must. The API documents no paging for
// it; Limit and Skip are sent only if they are set.
type ListActivityOptions struct {
	// Limit is the size of a page.
	Limit int `url:"limit,omitempty"`
	// Skip is how many rows to pass over.
	Skip int `url:"skip,omitempty"`
	// StartDate is the beginning, as the API's own integer: whether it counts
	// seconds or milliseconds is not documented. 0 is not sent.
	StartDate int64 `url:"start_date,omitempty"`
	// EndDate is the end, as StartDate.
	EndDate int64 `url:"end_date,omitempty"`
	// Fields are the columns to get, the server's choice unless given.
	Fields []ReportField `url:"fields,omitempty"`
	// AccessFlowID are access flows.
	AccessFlowID []string `url:"filter[access_flow_id],omitempty"`
	// AccessRequestID are access requests.
	AccessRequestID []string `url:"filter[access_request_id],omitempty"`
	// IntegrationID are integrations.
	IntegrationID []string `url:"filter[integration_id],omitempty"`
	// Permission are permissions.
	Permission []string `url:"filter[permission],omitempty"`
	// RequestorID are requestors.
	RequestorID []string `url:"filter[requestor_id],omitempty"`
	// Resource are resources.
	Resource []string `url:"filter[resource],omitempty"`
	// ResourceType are types of resources.
	ResourceType []string `url:"filter[resource_type],omitempty"`
	// Status are states. The API does not list the values.
	Status []string `url:"filter[status],omitempty"`
	// TriggerType are the ways in which access came about. The API does not
	// list the values.
	TriggerType []string `url:"filter[trigger_type],omitempty"`
}

// List gets one page of the activity.
//
// GET /api/v3/activity
func (s *ActivityService) List(ctx context.Context, opts ...ListActivityOptions) (*OffsetPage[ActivityEntry], error) {
	return listOffset[ActivityEntry](ctx, s.client, listActivity, opts)
}

// ListAll iterates over the activity. An error is the last pair of the loop;
// [ErrTruncated] if the server keeps rows back, or if new ones come while the
// list is read in several pages: give EndDate to keep it still.
//
// GET /api/v3/activity
func (s *ActivityService) ListAll(ctx context.Context, opts ...ListActivityOptions) iter.Seq2[*ActivityEntry, error] {
	return listAllOffset[ActivityEntry](ctx, s.client, listActivity, opts)
}

// indistinct says that the row may look like another, because the column that
// tells requests apart was not asked for.
func (e *ActivityEntry) indistinct() bool { return e.RequestID == nil }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (e ActivityEntry) LogValue() slog.Value { return logValue(e) }

// String returns what LogValue does.
func (e ActivityEntry) String() string { return printed(e) }
