package aponotest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// States of access requests. The API does not document their spelling.
const (
	pending  = "PENDING"
	granting = "GRANTING"
	active   = "ACTIVE"
	rejected = "REJECTED"
	revoking = "REVOKING"
	revoked  = "REVOKED"
	failed   = "FAILED"
)

// States of a session's credentials.
const (
	available = "AVAILABLE"
	viewed    = "VIEWED"
	resetting = "RESETTING"
)

// event is a change that is due at a time of the server's clock.
type event struct {
	at time.Time
	do func()
}

// lock locks the state and processes the events that are due. The caller must call
// unlock.
func (s *Server) lock() (unlock func()) {
	s.mu.Lock()
	s.processEvents()
	return s.mu.Unlock
}

// processEvents processes the events that are due. During each of them, s.present is
// the time at which it was due.
func (s *Server) processEvents() {
	present := s.clock().Add(s.ahead)
	for len(s.events) > 0 && !s.events[0].at.After(present) {
		next := s.events[0]
		s.events = s.events[1:]
		s.present = next.at
		next.do()
	}
	s.present = present
}

// later calls do after a wait on the server's clock, or at once if wait is 0.
func (s *Server) later(wait time.Duration, do func()) {
	if wait <= 0 {
		do()
		return
	}
	at := s.present.Add(wait)
	s.events = append(s.events, event{at, do})
	if len(s.webhooks) > 0 {
		time.AfterFunc(at.Sub(s.clock().Add(s.ahead)), func() { s.lock()() })
	}
	slices.SortStableFunc(s.events, func(a, b event) int { return a.at.Compare(b.at) })
}

func (s *Server) mustBePending(requestID string) {
	s.help()
	o := s.store.get(AccessRequests, requestID)
	if o == nil {
		s.fail("access request %q not found", requestID)
	}
	if status, _ := o["status"].(string); !strings.EqualFold(status, pending) {
		s.fail("access request %q is %s, not PENDING", requestID, status)
	}
}

// setStatus sets the status of an access request, its entitlements and its activity.
func (s *Server) setStatus(requestID, status string) {
	o := s.store.get(AccessRequests, requestID)
	o["status"] = status
	if status == revoked {
		o["revocation_date"] = s.now()
	}
	for _, e := range s.store.objects[EntitlementsOf(requestID)] {
		e.object["status"] = status
	}
	for _, row := range s.store.where(Activity, func(row object) bool { return row["request_id"] == requestID }) {
		row.object["status"] = status
		switch status {
		case active:
			row.object["request_grant_date"] = s.now()
		case revoked:
			row.object["request_revoke_date"] = s.now()
		}
	}
}

func (s *Server) hasStatus(requestID, status string) bool {
	o := s.store.get(AccessRequests, requestID)
	return o != nil && o["status"] == status
}

func (s *Server) approve(requestID string) {
	s.setStatus(requestID, granting)
	s.announceRequest(approvedEvent, requestID)
	s.later(s.provisioning, func() {
		if s.hasStatus(requestID, granting) {
			s.grant(requestID)
		}
	})
}

func (s *Server) grant(requestID string) {
	s.setStatus(requestID, active)
	o := s.store.get(AccessRequests, requestID)
	groups, _ := o["access_groups"].([]any)
	for _, group := range groups {
		s.addSession(requestID, member(group, "integration"))
	}
	s.announceRequest(grantedEvent, requestID)
	if seconds, err := number(o["duration_in_sec"]); err == nil {
		s.later(time.Duration(seconds)*time.Second, func() {
			if s.hasStatus(requestID, active) {
				s.revoke(requestID, expiredEvent)
			}
		})
	}
}

// revoke ends the access of a request and then announces the event.
func (s *Server) revoke(requestID, eventType string) {
	s.setStatus(requestID, revoking)
	s.later(s.provisioning, func() {
		if s.hasStatus(requestID, revoking) {
			s.setStatus(requestID, revoked)
			s.removeSessions(requestID)
			s.announceRequest(eventType, requestID)
		}
	})
}

// addSession adds the session of an access request for one of its integrations.
func (s *Server) addSession(requestID string, integration any) {
	id := s.store.newID()
	s.store.put(Sessions, object{
		"id": id, "name": member(integration, "name"), "request_ids": []any{requestID}, "integration": integration,
		"credentials_status": available, "can_reset_credentials": true,
	})
	s.store.granted[id] = true
	s.addDetails(id)
}

// addDetails adds access details with a new password to a session.
func (s *Server) addDetails(sessionID string) {
	s.store.secrets++
	name := member(s.store.get(Sessions, sessionID), "name")
	user, password := "apono-user", fmt.Sprintf("made-up-%d", s.store.secrets)
	s.store.put(DetailsOf(sessionID), object{
		"instructions": fmt.Sprintf("Connect to %s as %s with the password %s.", name, user, password),
		"parameters":   object{"username": user, "password": password},
	})
}

// removeSessions removes the sessions that were added when a request was granted.
// Sessions added by Put remain.
func (s *Server) removeSessions(requestID string) {
	for _, session := range s.store.where(Sessions, func(o object) bool { return servesRequest(o, requestID) }) {
		if id, _ := session.object["id"].(string); s.store.granted[id] {
			s.store.delete(Sessions, id)
		}
	}
}

func servesRequest(session object, requestID string) bool {
	ids, _ := session["request_ids"].([]any)
	return slices.Contains(ids, any(requestID))
}

// resetDetails replaces the credentials of a session after the provisioning time.
func (s *Server) resetDetails(session object) {
	id, _ := session["id"].(string)
	session["credentials_status"] = resetting
	s.later(s.provisioning, func() {
		current := s.store.get(Sessions, id)
		if current == nil {
			return
		}
		current["credentials_status"] = available
		if s.store.granted[id] {
			s.addDetails(id)
		}
	})
}

// now returns the present in the form of the API.
func (s *Server) now() string { return s.present.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
