BEGIN TRANSACTION;
CREATE TABLE alerts (
	id INTEGER NOT NULL, 
	channel VARCHAR(32) NOT NULL, 
	fingerprint VARCHAR(128) NOT NULL, 
	starts_at VARCHAR(40) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	received FLOAT NOT NULL, 
	message_uid VARCHAR(32), 
	PRIMARY KEY (id), 
	CONSTRAINT alert_identity UNIQUE (channel, fingerprint, starts_at, status)
);
INSERT INTO "alerts" VALUES(1,'email','f1','2026-09-21T03:15:00.123000+00:00','firing',1790000000.0,'dabc8566db674982bea97ac0dff77333');
INSERT INTO "alerts" VALUES(2,'slack','f1','2026-09-21T03:15:00.123000+00:00','firing',1790000000.0,'60032a46963d48bab4119e5413999816');
INSERT INTO "alerts" VALUES(3,'retrain','f1','2026-09-21T03:15:00.123000+00:00','firing',1790000000.0,NULL);
INSERT INTO "alerts" VALUES(4,'retrain','f2','2026-09-21T03:15:00.123000+00:00','firing',1790005000.0,NULL);
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	uid VARCHAR(32) NOT NULL, 
	sink VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	reply_to VARCHAR(32), 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	next_attempt FLOAT NOT NULL, 
	finished FLOAT, 
	error TEXT, 
	recipients TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (uid)
);
INSERT INTO "messages" VALUES(1,'dabc8566db674982bea97ac0dff77333','email','alerts','[WARNING] DriftDetected: rating_scale has drifted','{"subject":"[WARNING] DriftDetected: rating_scale has drifted","tone":"warning","entries":[{"title":"DriftDetected (warning, firing)","paragraphs":["rating_scale has drifted"],"facts":[["Since","2026-09-21 03:15:00 UTC"],["Labels","model=als"]],"links":[["Query","http://prometheus.example/graph"]]}],"notes":[]}',NULL,'delivered',1,1790000000.0,1790000000.0,1790000001.0,NULL,NULL);
INSERT INTO "messages" VALUES(2,'60032a46963d48bab4119e5413999816','slack','alerts','[WARNING] DriftDetected: rating_scale has drifted','{"subject":"[WARNING] DriftDetected: rating_scale has drifted","tone":"warning","entries":[{"title":"DriftDetected (warning, firing)","paragraphs":["rating_scale has drifted"],"facts":[["Since","2026-09-21 03:15:00 UTC"],["Labels","model=als"]],"links":[["Query","http://prometheus.example/graph"]]}],"notes":[]}',NULL,'pending',0,1790000000.0,1790000000.0,NULL,NULL,NULL);
CREATE TABLE reasons (
	run_id VARCHAR(64) NOT NULL, 
	fingerprint VARCHAR(128) NOT NULL, 
	starts_at VARCHAR(40) NOT NULL, 
	text TEXT NOT NULL, 
	joined FLOAT NOT NULL, 
	withdrawn BOOLEAN NOT NULL, 
	PRIMARY KEY (run_id, fingerprint, starts_at), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "reasons" VALUES('als-20260921T141320-4bf336da','f1','2026-09-21T03:15:00.123000+00:00','DriftDetected: rating_scale has drifted',1790000000.0,0);
INSERT INTO "reasons" VALUES('als-20260921T153640-546f02c6','f2','2026-09-21T03:15:00.123000+00:00','DriftDetected: rating_scale has drifted',1790005000.0,0);
CREATE TABLE runs (
	number INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	model VARCHAR(64) NOT NULL, 
	"trigger" VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	created FLOAT NOT NULL, 
	not_before FLOAT NOT NULL, 
	started FLOAT, 
	finished FLOAT, 
	handle TEXT, 
	version VARCHAR(128), 
	gate TEXT, 
	error TEXT, 
	reload VARCHAR(16), 
	first_notice TEXT, 
	serving VARCHAR(128), 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
INSERT INTO "runs" VALUES(1,'als-20260921T141320-4bf336da','als','alert','failed',1790000000.0,1790000000.0,NULL,1790000060.0,NULL,NULL,NULL,'the trainer ended with exit code 1',NULL,NULL,NULL);
INSERT INTO "runs" VALUES(2,'als-20260921T153640-546f02c6','als','alert','pending',1790005000.0,1790005000.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(2);
CREATE TABLE topics (
	message_id INTEGER NOT NULL, 
	topic VARCHAR(160) NOT NULL, 
	sink VARCHAR(32) NOT NULL, 
	PRIMARY KEY (message_id, topic), 
	FOREIGN KEY(message_id) REFERENCES messages (id)
);
INSERT INTO "topics" VALUES(1,'alert:f1','email');
INSERT INTO "topics" VALUES(2,'alert:f1','slack');
CREATE INDEX messages_due ON messages (sink, state, next_attempt);
CREATE UNIQUE INDEX one_active_run ON runs (model) WHERE state IN ('pending', 'running', 'gating', 'promoting');
CREATE INDEX runs_of_model ON runs (model, number);
CREATE INDEX topics_of_sink ON topics (sink, topic, message_id);
COMMIT;
