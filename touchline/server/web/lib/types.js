/** What the HTTP API sends; see /openapi.json. */

/**
 * @typedef {"pending" | "accepted" | "rejected"} Status
 * @typedef {"model" | "person" | "import"} Source
 *
 * @typedef {object} Session
 * @property {string} name
 * @property {"viewer" | "editor" | "admin" | "guest"} role
 * @property {string | null} csrf
 * @property {string | null} guest_of the match that a link shows
 * @property {string | null} guest_of_playlist the playlist that a link shows
 *
 * @typedef {object} Upload
 * @property {string} id
 * @property {string} name
 * @property {"receiving" | "complete"} state
 * @property {number} length
 * @property {number} received
 *
 * @typedef {object} VideoInfo
 * @property {number} [width]
 * @property {number} [height]
 * @property {string} [frame_rate]
 * @property {number} [duration_seconds]
 * @property {boolean} [has_audio]
 * @property {string} [codec]
 * @property {string} [ran] one line on what read the video
 * @property {{frame_rate: string, duration_seconds: number, width: number, height: number}} [proxy]
 *
 * @typedef {object} Thumbnails
 * @property {number} [every_seconds]
 * @property {number} [count]
 * @property {number} [width]
 * @property {number} [height]
 *
 * @typedef {object} MatchVideo
 * @property {number} number
 * @property {number | null} half null for a match of one file
 * @property {string} name
 * @property {number | null} start seconds of the match at which it begins
 * @property {number | null} duration
 *
 * @typedef {object} Game the facts that people and files state
 * @property {string | null} home
 * @property {string | null} away
 * @property {string | null} date
 * @property {string | null} score
 * @property {string | null} competition
 * @property {{half: number, start: number}[]} periods kick-offs that were given
 *
 * @typedef {object} Match
 * @property {string} id
 * @property {string} title
 * @property {"waiting" | "working" | "ready" | "failed"} state
 * @property {string | null} problem
 * @property {string[]} warnings
 * @property {string} video
 * @property {MatchVideo[]} [videos]
 * @property {Game} [game]
 * @property {VideoInfo} info
 * @property {string} model
 * @property {number} threshold
 * @property {Record<string, number>} thresholds least confidence of classes, for events to review
 * @property {string[]} labels
 * @property {Thumbnails} thumbnails
 * @property {string | null} assignee who is to review it
 * @property {{pending: number, accepted: number, rejected: number}} counts of events
 * @property {string | null} result such as "2-1", as far as it is known
 * @property {string[]} reviewers who has changed its events, who did so last first
 * @property {number | null} poster the thumbnail to show it by
 * @property {number} stored_bytes
 * @property {number} version
 * @property {number} revision
 * @property {string | null} job
 * @property {string} created_at
 * @property {string} updated_at
 *
 * @typedef {object} EventValues
 * @property {number} time seconds from the first frame shown
 * @property {string} label
 * @property {number} confidence
 * @property {string | null} team
 * @property {string | null} player
 * @property {number | null} half
 * @property {string | null} clock as another program writes it
 * @property {number | null} clock_seconds match clock
 * @property {[number, number] | null} score goals of home and away before the event
 * @property {number | null} uncertainty_seconds how far its time may be off, to either side
 * @property {string | null} visibility
 * @property {Status} status
 * @property {{group: string | null, text: string}[] | null} [descriptors] what analysts say of it
 * @property {string | null} note
 * @property {number | null} lead seconds before its time at which it begins; null for a point
 * @property {number | null} lag seconds after its time at which it ends; null for a point
 *
 * @typedef {object} EventOrigin
 * @property {string} id
 * @property {Source} source
 * @property {number} [comments] how many it has
 * @property {number} version
 * @property {string} created_by
 * @property {string} created_at
 * @property {string} updated_by
 * @property {string} updated_at
 *
 * @typedef {EventValues & EventOrigin} MatchEvent
 *
 * @typedef {object} News what has changed since a revision of a match
 * @property {number} revision
 * @property {number} count of events
 * @property {MatchEvent[]} items
 * @property {string[]} removed
 * @property {Reel[]} reels
 * @property {string[]} removed_reels
 * @property {{id: string, action: string, undone: boolean}[]} steps the person's own, the oldest first
 * @property {string | null} next
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {string} kind
 * @property {"queued" | "running" | "succeeded" | "failed" | "cancelled"} state
 * @property {string | null} stage
 * @property {number} progress
 * @property {Record<string, number>} stages
 * @property {number | null} position jobs of its lane before it
 * @property {"job" | "attempt" | "turn" | "worker" | null} waits_for
 * @property {string | null} ahead the match whose job it waits for
 * @property {number | null} seconds_left
 * @property {number} attempts
 * @property {number} attempt_progress share that earlier attempts had done
 * @property {string | null} problem
 * @property {string | null} match
 * @property {Record<string, unknown>} result
 *
 * @typedef {object} ClipEvent an event as reel files hold it
 * @property {number} time
 * @property {string} label
 * @property {string} [team]
 * @property {Status} [status]
 * @property {number} [half]
 * @property {number | string} [clock] match seconds, or the clock as another program writes it
 * @property {[number, number]} [score] goals of home and away before the event
 *
 * @typedef {object} Clip
 * @property {number} start
 * @property {number} end
 * @property {string} [title]
 * @property {number} [score]
 * @property {string} [reason] why it was chosen
 * @property {ClipEvent[]} [events]
 *
 * @typedef {object} Finish how the videos of a reel are finished
 * @property {boolean} labels
 * @property {boolean} titles
 * @property {boolean} scoreboard
 * @property {[string, string] | null} teams
 * @property {string | null} logo id of a picture
 * @property {string | null} outro a text
 * @property {string | null} outro_picture id of a picture
 * @property {string | null} music id of a sound
 * @property {"source" | "r128" | "web" | number} loudness name, or LUFS
 * @property {string | null} aspect
 * @property {"auto" | "copy" | "encode"} cut
 * @property {boolean} keep_hdr
 * @property {boolean} deinterlace
 * @property {number | null} audio_track
 * @property {string} encoder auto, software or FFmpeg's name
 *
 * @typedef {object} Asset a picture or a sound for reels
 * @property {string} id
 * @property {"picture" | "sound"} kind
 * @property {string} name
 *
 * @typedef {object} FileFormat
 * @property {string} name
 * @property {string} title what people call it
 * @property {string} suffix
 * @property {boolean} events
 * @property {boolean} reels
 * @property {boolean} video
 *
 * @typedef {object} Reel
 * @property {string} id
 * @property {string} match
 * @property {string} title
 * @property {{clips: Clip[], chosen?: boolean}} reel `chosen` until its clips are edited
 * @property {Finish} finish
 * @property {string[]} remarks of a reel that has just been chosen
 * @property {number} version
 * @property {string} created_at
 *
 * @typedef {object} FoundMatch what an event that was found says of its match
 * @property {string} match
 * @property {string} match_title
 * @property {string | null} home
 * @property {string | null} away
 * @property {string | null} competition
 * @property {string | null} date
 *
 * @typedef {MatchEvent & FoundMatch} FoundEvent
 *
 * @typedef {object} PlaylistClip
 * @property {string} id
 * @property {string} match
 * @property {string} match_title
 * @property {string | null} event
 * @property {number} start
 * @property {number} end
 * @property {string | null} title
 * @property {string | null} label
 * @property {string | null} team
 * @property {string | null} player
 * @property {string | null} note
 * @property {Status | null} status of the event
 * @property {"match" | "event" | null} missing what was deleted
 *
 * @typedef {object} Playlist
 * @property {string} id
 * @property {string} title
 * @property {number} count
 * @property {number} seconds
 * @property {PlaylistClip[]} clips
 * @property {{id: string, action: string, undone: boolean}[]} steps the person's own, the oldest first
 * @property {number} version
 * @property {string} updated_by
 * @property {string} updated_at
 *
 * @typedef {object} Product a file for download
 * @property {string} id
 * @property {string | null} reel
 * @property {string} name
 * @property {string} format
 * @property {number} bytes
 * @property {string} created_at
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string} system
 * @property {string[]} labels
 * @property {string} rate
 * @property {string} origin
 * @property {string} licence
 * @property {string} training_data_licence
 * @property {string} description
 * @property {Record<string, unknown>} metrics
 *
 * @typedef {object} RemoteModel
 * @property {string} name
 * @property {string} system
 * @property {string} network
 * @property {string} labels
 * @property {string | null} rate
 * @property {string} reads
 * @property {{metric: string, value: number, on: string}[]} scores
 * @property {number | null} bytes
 * @property {string} licence
 * @property {"allowed" | "forbidden" | "unstated"} commercial_use
 * @property {string} training_data
 * @property {string} training_data_licence
 * @property {string[]} needs
 * @property {string} repository
 * @property {string} family
 * @property {string} description
 * @property {"pull" | "by hand" | "not yet"} state
 * @property {string} missing
 * @property {string} command
 *
 * @typedef {object} Policy
 * @property {string} default_model
 * @property {number} threshold
 * @property {number} max_upload_bytes
 * @property {number} quota_bytes
 * @property {number} upload_hours
 * @property {number | null} retention_days
 * @property {number} thumbnail_seconds
 * @property {number} proxy_height
 *
 * @typedef {object} User
 * @property {string} id
 * @property {string} name
 * @property {"viewer" | "editor" | "admin"} role
 * @property {number | null} quota_bytes
 * @property {boolean} disabled
 * @property {string} created_at
 *
 * @typedef {object} Token
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {string} created_at
 * @property {string | null} expires_at
 * @property {string | null} secret
 *
 * @typedef {object} Capabilities
 * @property {string} version
 * @property {{max_bytes: number, suffixes: string[]}} upload
 * @property {string[]} event_formats
 * @property {string[]} feed_formats
 * @property {string[]} reel_formats
 * @property {string[]} playlist_formats
 * @property {FileFormat[]} formats
 * @property {boolean} open
 *
 * @typedef {object} Scores
 * @property {string[]} labels
 * @property {number[]} seconds
 * @property {number[][]} values one row per label
 */

/**
 * @template T
 * @typedef {object} Page
 * @property {T[]} items
 * @property {string | null} next
 */

export {};
