//! Threads with the instructor.

use lectern_lms::threads;
use lectern_rpc::v1::thread_service_server::ThreadService;

use super::{check, service};

service! {
    ThreadService {
        read get_thread(GetThreadRequest) = threads::get_thread;
        read list_threads(ListThreadsRequest) = threads::list_threads;
        write create_thread(CreateThreadRequest) = CreateThread, checked by check::create_thread;
        write reply_thread(ReplyThreadRequest) = ReplyThread;
        write set_thread_state(SetThreadStateRequest) = SetThreadState;
        write ask_instructor(AskInstructorRequest) = AskInstructor;
        write endorse_answer(EndorseAnswerRequest) = EndorseAnswer;
        write answer_as_tutor(AnswerAsTutorRequest) = AnswerAsTutor;
    }
    custom {}
}
