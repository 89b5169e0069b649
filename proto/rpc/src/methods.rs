//! Every unary method of the public contract, by its request: path, response, and how it may be repeated. The client calls
//! by it, and a node that does not lead forwards by it.

use lectern_proto::v1;

/// How a call may be repeated after its reply was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing.
    Read,
    /// A change that carries an idempotency key: the same key gives the same answer.
    Keyed,
    /// A change that comes to the same when done twice; takes no key.
    Repeatable,
    /// A change that makes or checks a secret, of which nothing is recorded; takes no key. Doing it twice is harmless, and
    /// the second answer is the one that counts.
    Secret,
}

/// A request of a unary method.
pub trait Call: prost::Message + Default + Clone + 'static {
    /// Its response.
    type Response: prost::Message + Default + Clone + 'static;
    /// `/lectern.v1.Service/Method`.
    const PATH: &'static str;
    /// How it may be repeated.
    const KIND: Kind;
}

macro_rules! methods {
    ($($service:ident, $method:ident, $request:ident, $response:ident, $kind:ident;)*) => {
        $(impl Call for v1::$request {
            type Response = v1::$response;
            const PATH: &'static str =
                concat!("/lectern.v1.", stringify!($service), "/", stringify!($method));
            const KIND: Kind = Kind::$kind;
        })*

        /// Paths of all unary methods, for tests that walk them.
        pub const PATHS: &[(&str, Kind)] = &[$((<v1::$request as Call>::PATH, Kind::$kind)),*];
    };
}

methods! {
    AccountService, CreateUser, CreateUserRequest, CreateUserResponse, Keyed;
    AccountService, GetUser, GetUserRequest, GetUserResponse, Read;
    AccountService, ListUsers, ListUsersRequest, ListUsersResponse, Read;
    AccountService, UpdateUser, UpdateUserRequest, UpdateUserResponse, Keyed;
    AccountService, ImportUsers, ImportUsersRequest, ImportUsersResponse, Keyed;
    AccountService, IssueCodes, IssueCodesRequest, IssueCodesResponse, Secret;
    AssignmentService, CreateAssignment, CreateAssignmentRequest, CreateAssignmentResponse, Keyed;
    AssignmentService, UpdateAssignment, UpdateAssignmentRequest, UpdateAssignmentResponse, Keyed;
    AssignmentService, DeleteAssignment, DeleteAssignmentRequest, DeleteAssignmentResponse, Keyed;
    AssignmentService, GetAssignment, GetAssignmentRequest, GetAssignmentResponse, Read;
    AssignmentService, ListAssignments, ListAssignmentsRequest, ListAssignmentsResponse, Read;
    AuditService, ListAudit, ListAuditRequest, ListAuditResponse, Read;
    AuthService, SignIn, SignInRequest, SignInResponse, Secret;
    AuthService, Activate, ActivateRequest, SignInResponse, Secret;
    AuthService, SignOut, SignOutRequest, SignOutResponse, Keyed;
    AuthService, WhoAmI, WhoAmIRequest, WhoAmIResponse, Read;
    AuthService, ChangePassword, ChangePasswordRequest, ChangePasswordResponse, Secret;
    AuthService, CreateToken, CreateTokenRequest, CreateTokenResponse, Secret;
    AuthService, ListTokens, ListTokensRequest, ListTokensResponse, Read;
    AuthService, RevokeToken, RevokeTokenRequest, RevokeTokenResponse, Keyed;
    CourseService, CreateCourse, CreateCourseRequest, CreateCourseResponse, Keyed;
    CourseService, UpdateCourse, UpdateCourseRequest, UpdateCourseResponse, Keyed;
    CourseService, GetCourse, GetCourseRequest, GetCourseResponse, Read;
    CourseService, ListCourses, ListCoursesRequest, ListCoursesResponse, Read;
    CourseService, ListEnrollments, ListEnrollmentsRequest, ListEnrollmentsResponse, Read;
    CourseService, Enroll, EnrollRequest, EnrollResponse, Keyed;
    CourseService, UpdateEnrollment, UpdateEnrollmentRequest, UpdateEnrollmentResponse, Keyed;
    CourseService, ImportRoster, ImportRosterRequest, ImportRosterResponse, Keyed;
    FileService, BeginUpload, BeginUploadRequest, BeginUploadResponse, Keyed;
    FileService, GetUpload, GetUploadRequest, GetUploadResponse, Read;
    FileService, PutChunk, PutChunkRequest, PutChunkResponse, Repeatable;
    FileService, ReadFilePages, ReadFilePagesRequest, ReadPagesResponse, Read;
    GradeService, SetGrade, SetGradeRequest, SetGradeResponse, Keyed;
    GradeService, PostGrades, PostGradesRequest, PostGradesResponse, Keyed;
    GradeService, GetGradebook, GetGradebookRequest, GetGradebookResponse, Read;
    GradeService, ListMyGrades, ListMyGradesRequest, ListMyGradesResponse, Read;
    GradingService, CreateAssignmentGroup, CreateAssignmentGroupRequest, CreateAssignmentGroupResponse, Keyed;
    GradingService, UpdateAssignmentGroup, UpdateAssignmentGroupRequest, UpdateAssignmentGroupResponse, Keyed;
    GradingService, DeleteAssignmentGroup, DeleteAssignmentGroupRequest, DeleteAssignmentGroupResponse, Keyed;
    GradingService, GetGradingPolicy, GetGradingPolicyRequest, GetGradingPolicyResponse, Read;
    GradingService, UpdateGradingPolicy, UpdateGradingPolicyRequest, UpdateGradingPolicyResponse, Keyed;
    GradingService, SetOverride, SetOverrideRequest, SetOverrideResponse, Keyed;
    GradingService, ListOverrides, ListOverridesRequest, ListOverridesResponse, Read;
    GradingService, SetFinalGrade, SetFinalGradeRequest, SetFinalGradeResponse, Keyed;
    GradingService, GetStatistics, GetStatisticsRequest, GetStatisticsResponse, Read;
    MaterialService, CreateModule, CreateModuleRequest, CreateModuleResponse, Keyed;
    MaterialService, UpdateModule, UpdateModuleRequest, UpdateModuleResponse, Keyed;
    MaterialService, ListModules, ListModulesRequest, ListModulesResponse, Read;
    MaterialService, CreateMaterial, CreateMaterialRequest, CreateMaterialResponse, Keyed;
    MaterialService, UpdateMaterial, UpdateMaterialRequest, UpdateMaterialResponse, Keyed;
    MaterialService, DeleteMaterial, DeleteMaterialRequest, DeleteMaterialResponse, Keyed;
    MaterialService, GetMaterial, GetMaterialRequest, GetMaterialResponse, Read;
    MaterialService, ListMaterials, ListMaterialsRequest, ListMaterialsResponse, Read;
    MaterialService, ReadPages, ReadPagesRequest, ReadPagesResponse, Read;
    MaterialService, MarkOpened, MarkOpenedRequest, MarkOpenedResponse, Repeatable;
    MembershipService, Join, JoinRequest, JoinResponse, Secret;
    MembershipService, CreateJoinToken, CreateJoinTokenRequest, CreateJoinTokenResponse, Secret;
    MembershipService, ListJoinTokens, ListJoinTokensRequest, ListJoinTokensResponse, Read;
    MembershipService, RevokeJoinToken, RevokeJoinTokenRequest, RevokeJoinTokenResponse, Repeatable;
    MembershipService, DrainNode, DrainNodeRequest, DrainNodeResponse, Repeatable;
    MembershipService, RestoreNode, RestoreNodeRequest, RestoreNodeResponse, Repeatable;
    MembershipService, RemoveNode, RemoveNodeRequest, RemoveNodeResponse, Repeatable;
    MembershipService, TransferLeader, TransferLeaderRequest, TransferLeaderResponse, Repeatable;
    MembershipService, ListMembershipEvents, ListMembershipEventsRequest, ListMembershipEventsResponse, Read;
    ReceiptService, GetReceipt, GetReceiptRequest, GetReceiptResponse, Read;
    ReceiptService, ListReceiptKeys, ListReceiptKeysRequest, ListReceiptKeysResponse, Read;
    ReceiptService, RotateReceiptKey, RotateReceiptKeyRequest, RotateReceiptKeyResponse, Keyed;
    SubmissionService, Pledge, PledgeRequest, PledgeResponse, Keyed;
    SubmissionService, Submit, SubmitRequest, SubmitResponse, Keyed;
    SubmissionService, WithdrawPledge, WithdrawPledgeRequest, WithdrawPledgeResponse, Keyed;
    SubmissionService, GetSubmission, GetSubmissionRequest, GetSubmissionResponse, Read;
    SubmissionService, ListAttempts, ListAttemptsRequest, ListAttemptsResponse, Read;
    SubmissionService, ListSubmissions, ListSubmissionsRequest, ListSubmissionsResponse, Read;
    SubmissionService, ChooseAttempt, ChooseAttemptRequest, ChooseAttemptResponse, Keyed;
    SubmissionService, SaveDraft, SaveDraftRequest, SaveDraftResponse, Keyed;
    SubmissionService, GetDraft, GetDraftRequest, GetDraftResponse, Read;
    SubmissionService, ListDraftRevisions, ListDraftRevisionsRequest, ListDraftRevisionsResponse, Read;
    SubmissionService, ListExtensionRequests, ListExtensionRequestsRequest, ListExtensionRequestsResponse, Read;
    SubmissionService, DecideExtensionRequest, DecideExtensionRequestRequest, DecideExtensionRequestResponse, Keyed;
    ThreadService, CreateThread, CreateThreadRequest, CreateThreadResponse, Keyed;
    ThreadService, ReplyThread, ReplyThreadRequest, ReplyThreadResponse, Keyed;
    ThreadService, SetThreadState, SetThreadStateRequest, SetThreadStateResponse, Keyed;
    ThreadService, GetThread, GetThreadRequest, GetThreadResponse, Read;
    ThreadService, ListThreads, ListThreadsRequest, ListThreadsResponse, Read;
    ThreadService, AskInstructor, AskInstructorRequest, AskInstructorResponse, Keyed;
    ThreadService, EndorseAnswer, EndorseAnswerRequest, EndorseAnswerResponse, Keyed;
    ThreadService, AnswerAsTutor, AnswerAsTutorRequest, AnswerAsTutorResponse, Keyed;
    TutorDirectoryService, RegisterTutor, RegisterTutorRequest, RegisterTutorResponse, Repeatable;
    TutorDirectoryService, LeaveTutor, LeaveTutorRequest, LeaveTutorResponse, Repeatable;
    TutorDirectoryService, ListTutors, ListTutorsRequest, ListTutorsResponse, Read;
    AnnouncementService, CreateAnnouncement, CreateAnnouncementRequest, CreateAnnouncementResponse, Keyed;
    AnnouncementService, DeleteAnnouncement, DeleteAnnouncementRequest, DeleteAnnouncementResponse, Keyed;
    AnnouncementService, ListAnnouncements, ListAnnouncementsRequest, ListAnnouncementsResponse, Read;
    HomeService, GetHome, GetHomeRequest, GetHomeResponse, Read;
    HomeService, MarkRead, MarkReadRequest, MarkReadResponse, Repeatable;
}
